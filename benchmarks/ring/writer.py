"""A run: ``python -m benchmarks.ring.writer <transport module> <setup as JSON> <window in s>``.

This process writes, starts the readers, and prints what was measured as one line of JSON.
"""

import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np

from benchmarks.harness.machine import Meter
from benchmarks.ring.pictures import Pictures, open_pictures
from benchmarks.ring.reader import Report, read_frames
from benchmarks.ring.setup import Setup, Window
from benchmarks.ring.transports.base import Transport, WriterEnd

_WARM_UP_S = 0.6
_READY_S = 20.0


def run(transport: str, setup: Setup, window_s: float) -> dict[str, float]:
    """Start the readers, write for the window, and return the values of the run."""
    writer = cast(Transport, importlib.import_module(transport)).open_writer(setup)
    context = multiprocessing.get_context("spawn")
    readers, connections = [], []
    try:
        for index in range(setup.readers):
            ours, theirs = context.Pipe()
            ticket = writer.reader_ticket(index)
            process = context.Process(
                target=read_frames, args=(transport, setup, ticket, theirs), daemon=True
            )
            process.start()
            theirs.close()
            readers.append(process)
            connections.append(ours)
        pictures = open_pictures(setup)
        for connection in connections:
            _receive(connection, _READY_S)
        writer.connected()
        begin_ns = time.monotonic_ns() + int(_WARM_UP_S * 1e9)
        window = Window(begin_ns, begin_ns + int(window_s * 1e9))
        for connection in connections:
            connection.send((pictures.checksums, window))
        values = _write(writer, pictures, setup, window, [process.pid or 0 for process in readers])
        reports = [cast(Report, _receive(connection, 10.0)) for connection in connections]
        for process in readers:
            process.join(10)
    finally:
        for process in readers:
            process.kill()
        writer.close()
    return values | _summary(reports, values["frames"])


def _write(
    writer: WriterEnd, pictures: Pictures, setup: Setup, window: Window, reader_pids: Sequence[int]
) -> dict[str, float]:
    frames = pictures.frames()
    period_ns = int(1e9 / setup.fps)
    count = max(1, (window.begin_ns - time.monotonic_ns()) // period_ns)
    first_ns = window.begin_ns - count * period_ns
    took_ns: list[int] = []
    meter, number = None, 0
    while (due_ns := first_ns + number * period_ns) < window.end_ns:
        if due_ns >= window.begin_ns and meter is None:
            meter = Meter([os.getpid()], [os.getppid(), *reader_pids])
            took_ns.clear()
            getattr(writer, "copy_ns", []).clear()
        delay_ns = due_ns - time.monotonic_ns()
        if delay_ns > 0:
            time.sleep(delay_ns / 1e9)
        planes = next(frames)
        # CPU time: the reader that is woken may take this core at once, and that is not publishing.
        begin_ns = time.thread_time_ns()
        writer.publish(planes, number, time.monotonic_ns())
        took_ns.append(time.thread_time_ns() - begin_ns)
        number += 1
    assert meter is not None
    usage = meter.stop()
    values = {
        "frames": float(len(took_ns)),
        "publish_us": float(np.median(took_ns)) / 1e3,
        "writer_cpu_us": usage.cpu_s * 1e6 / len(took_ns),
        "other_cores": usage.other_cores,
    }
    if copy_ns := getattr(writer, "copy_ns", None):
        values["copy_us"] = float(np.median(copy_ns)) / 1e3
    return values


def _summary(reports: Sequence[Report], frames: float) -> dict[str, float]:
    handed = np.concatenate([report.handed_to_received_ns for report in reports]) / 1e6
    sent = np.concatenate([report.sent_to_received_ns for report in reports]) / 1e6
    if not len(handed):
        raise RuntimeError("no reader received a frame")
    return {
        "wake_p50_ms": float(np.percentile(sent, 50)),
        "wake_p99_ms": float(np.percentile(sent, 99)),
        "hand_p50_ms": float(np.percentile(handed, 50)),
        "lost_percent": 100 * (1 - len(handed) / (frames * len(reports))),
        "reader_cpu_us": sum(report.cpu_ns for report in reports) / len(handed) / 1e3,
        "checked": float(sum(report.checked for report in reports)),
        "torn": float(sum(report.torn for report in reports)),
    }


def _receive(connection: Any, timeout_s: float) -> Any:
    if not connection.poll(timeout_s):
        raise TimeoutError("a reader did not answer")
    return connection.recv()


if __name__ == "__main__":
    setup = msgspec.json.decode(sys.argv[2], type=Setup)
    print(json.dumps(run(sys.argv[1], setup, float(sys.argv[3]))))
