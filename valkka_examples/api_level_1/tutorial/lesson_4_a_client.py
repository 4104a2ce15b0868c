"""Lesson 4 a, the client: reads the pictures that lesson_4_a.py shares, and tells their mean colour.

    python lesson_4_a_client.py [pictures]

Without a number of pictures it goes on until Ctrl-C.
"""

import signal
import sys

from valkka.api2 import ShmemRGBClient

SHMEM_NAME = "lesson_4"
CELLS = 10
WIDTH, HEIGHT = 480, 270


def main(pictures):
    client = ShmemRGBClient(
        name=SHMEM_NAME, n_ringbuffer=CELLS, width=WIDTH, height=HEIGHT, mstimeout=1000, verbose=False
    )
    received = 0
    while pictures is None or received < pictures:
        index, meta = client.pullFrame()
        if index is None:
            print("no picture within a second", flush=True)
            continue
        received += 1
        image = client.shmem_list[index][0 : meta.size].reshape((meta.height, meta.width, 3))
        mean = ", ".join(f"{value:.0f}" for value in image.mean(axis=(0, 1)))
        print(f"picture {received} of slot {meta.slot} in cell {index}: mean RGB {mean}", flush=True)


if __name__ == "__main__":
    # SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(int(sys.argv[1]) if sys.argv[1:] else None)
    except KeyboardInterrupt:
        print("bye")
