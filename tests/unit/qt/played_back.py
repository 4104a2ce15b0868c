"""A back end played by the test: a real channel and a real front end, without a process."""

import os
import pickle
import socket

import camgraph as cg
from camgraph.process.channel import Channel
from camgraph.process.front import make_front_end
from camgraph.process.wire import Kind


class Detector(cg.MessageProcess):
    moved = cg.message(stream=str, score=float)
    counted = cg.message(by_class=dict)
    began = cg.message()


class Mended(Detector):
    restart = True


class Back:
    """The back end's side, played by the test: a real channel, a real front end."""

    def __init__(self, kind, loop):
        self.front = make_front_end(kind, "Detector-1", loop, self._terminated)
        self._start()

    def _start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = Channel(theirs)
        self.front._bind(ours, os.getpid())

    def start_again(self, how):
        self.channel.close()
        self.front._on_restart(1, how)
        self._start()

    def emit(self, name, *values):
        assert self.send(name, *values)

    def send(self, name, *values):
        return self.channel.send(Kind.MESSAGE, name, pickle.dumps(values))

    def fail(self, summary):
        assert self.channel.send(Kind.FAILED, "", pickle.dumps((summary, "Traceback …")))

    def end(self, returncode=0):
        self.channel.close()
        self.front._on_exit(returncode)

    def _terminated(self, grace_s):
        pass


def qthreads():
    """How many threads of messages run, as the kernel sees it."""
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except OSError:
            continue
    return sum(name.startswith("camgraph-messa") for name in names)
