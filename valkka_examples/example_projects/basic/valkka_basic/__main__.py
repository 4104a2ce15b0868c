"""Processes first, then threads; what the processes say; the end."""

import argparse
import signal
import sys
import time

from camgraph.testing.cameras import Cameras
from valkka.core import EventFd, LiveThread
from valkka.multiprocess import EventGroup, safe_select
from valkka_basic.analyzer import AnalyzerProcess
from valkka_basic.filterchain import BasicFilterChain
from valkka_basic.mp4 import MP4Process


def main(addresses, seconds):
    # What both sides use is made before the processes are.
    event_group = EventGroup(n=2 * len(addresses), event_class=EventFd)
    processes = [AnalyzerProcess("analyzer", event_group), MP4Process("mp4", event_group)]
    for process in processes:
        process.ignoreSIGINT()
        process.start()
    analyzer, mp4 = processes

    livethread = LiveThread("livethread")
    livethread.startCall()
    chains = []
    for slot, address in enumerate(addresses, start=1):
        chain = BasicFilterChain(livethread, address, slot)
        rgb_index, rgb_event = event_group.reserve()
        mp4_index, mp4_event = event_group.reserve()
        chain.use_fds(rgb_event, mp4_event)
        analyzer.listen(slot, chain.rgb_name, rgb_index)
        mp4.listen(slot, chain.mp4_name, mp4_index)
        chain.start()
        chains.append(chain)

    try:
        serve(processes, seconds)
    except KeyboardInterrupt:
        print("interrupted")

    livethread.stopCall()
    livethread.waitReady()
    for chain in chains:
        chain.close()
    for process in processes:
        process.stop()
    print("bye")


def serve(processes, seconds):
    """Print what the processes say, for so long (None: until Ctrl-C)."""
    pipes = {process.getPipe(): process for process in processes}
    ends = None if seconds is None else time.monotonic() + seconds
    while ends is None or time.monotonic() < ends:
        readable, _, _ = safe_select(list(pipes), [], [], timeout=0.2)
        for pipe in readable:
            message = pipe.recv()
            if message is None:
                del pipes[pipe]
            else:
                print(f"{pipes[pipe].__class__.__name__}: {message()} {message.kwargs}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="valkka_basic", description="Cameras and two processes.")
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS", help="rtsp://user:password@host/path")
    parser.add_argument("--seconds", type=float, help="how long (default: until Ctrl-C)")
    options = parser.parse_args()
    # SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.addresses:
        sys.exit(main(options.addresses, options.seconds))
    with Cameras(count=2) as cameras:
        sys.exit(main(cameras.urls, options.seconds))
