"""Processes that signal: signals are declared, for one of both directions, with types of arguments."""

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from camgraph.base.event import Event
from camgraph.base.parking import Closes
from valkka.multiprocess import pipes
from valkka.multiprocess.forked import ForkedProcess

__all__ = ["ValkkaProcess", "ValkkaShmemRGBProcess", "safe_select"]

LOOK_EVERY_S = 0.2


def safe_select(l1: Iterable[Any], l2: Iterable[Any], l3: Iterable[Any], timeout: float = 0) -> pipes.Ready:
    """As `valkka.multiprocess.safe_select`, but a `timeout` of 0 blocks."""
    return pipes.safe_select(l1, l2, l3, timeout=timeout or None)


class ValkkaProcess(ForkedProcess):
    """Subclass it. Methods of the back end end in an underscore.

    `incoming_signal_defs` names those that the front end may have called, `outgoing_signal_defs` those of the
    front end that the back end may: name → {argument: type}.
    """

    incoming_signal_defs: ClassVar[dict[str, Any]] = {
        "stop_": [],
        "test_": {"test_int": int, "test_str": str},
    }
    outgoing_signal_defs: ClassVar[dict[str, Any]] = {
        "test_o": {"test_int": int, "test_str": str},
    }
    wait_s = 5.0

    def __init__(self, name: str, affinity: int = -1) -> None:
        super().__init__()
        self.name = name
        self.affinity = affinity
        self.pre = f"{self.__class__.__name__}.{name}: "
        self.logger = logging.getLogger(f"{self.__class__.__name__}.{name}")
        both = set(self.incoming_signal_defs) & set(self.outgoing_signal_defs)
        if both:
            raise AttributeError(f"{self.pre}signals both ways have the same name: {', '.join(sorted(both))}")
        self.signal_in = Event()
        self.signal_out = Event()
        self.pipe, self.childpipe = pipes.private_pipe(pipes.FrontPipe)
        self.running = True
        self.thread: threading.Thread | None = None
        self._sending = threading.Lock()

    def _back_ends(self) -> tuple[Closes, ...]:
        # The front end keeps a copy: who selects on its pipe doesn't expect that it ends.
        return (self.childpipe,)

    def _started(self) -> None:
        assert self._pidfd is not None
        self.pipe.end_with(self._pidfd)

    # Front end.

    def getPipe(self) -> Any:
        """Return what to select on and to receive signals from: dictionaries for `handleSignal`."""
        return self.pipe

    def sendSignal(self, **kwargs: Any) -> None:
        """Send a signal, by its `name`, with its arguments; return when the back end has handled it.

        Raises KeyError for what isn't declared, AttributeError for arguments that are missing, or of another
        type. A signal to a back end that has ended, or ends before it handles it, is logged.
        """
        self._send(kwargs, None)

    def handleSignal(self, signal_dic: dict[str, Any] | None) -> None:
        """Call the front end's method for a signal that was received."""
        if signal_dic is not None:
            arguments = dict(signal_dic)
            getattr(self, arguments.pop("name"))(**arguments)

    def stop(self) -> None:
        """Have the back end leave its loop; one that doesn't listen for `end_within_s` is ended."""
        if self._lives() and not self._send({"name": "stop_"}, self.end_within_s) and self._lives():
            if self.thread is None:
                self._end_in_time(0)
            else:
                self.logger.error("%sdoes not stop within %g s", self.pre, self.end_within_s)

    def test(self, **kwargs: Any) -> None:
        """Have `test_` called."""
        self.sendSignal(name="test_", **kwargs)

    def test_o(self, test_int: int = 0, test_str: str = "") -> None:
        """What `test_` answers."""
        print(self.pre, "test_o", test_int, test_str)

    def startAsThread(self) -> None:
        """Run the back end in a thread of this process, to look for errors."""
        self.thread = threading.Thread(target=self.run, name=self.name, daemon=True)
        self.thread.start()

    def _send(self, signal: dict[str, Any], within_s: float | None) -> bool:
        """Send a signal; tell whether it was handled, in time."""
        _check(self.incoming_signal_defs | {"stop_": []}, signal)
        until = None if within_s is None else time.monotonic() + within_s
        # Another thread's signal may be hanging.
        if not self._sending.acquire(timeout=-1 if within_s is None else within_s):
            return False
        try:
            self.signal_out.clear()
            if self._lives():
                self.pipe.send(signal)
                self.signal_in.set()
            while self._lives():
                left = LOOK_EVERY_S if until is None else min(LOOK_EVERY_S, until - time.monotonic())
                if self._wait_for(self.signal_out, timeout=left):
                    return True
                if left <= 0:
                    return False
            if self.signal_out.is_set():
                return True
        finally:
            self._sending.release()
        self.logger.error("%ssignal %s is lost: the back end does not run", self.pre, signal["name"])
        return False

    def _lives(self) -> bool:
        if self.thread is not None:
            return self.thread.is_alive()
        return self._pidfd is not None and not self._has_ended()

    # Back end.

    def run(self) -> None:
        """The back end from its begin to its end."""
        try:
            self.preRun_()
            while self.running:
                self.cycle_()
                self.handleSignal_()
        except KeyboardInterrupt:
            self.logger.info("%sinterrupted", self.pre)
        self.postRun_()

    def preRun_(self) -> None:
        """Override: runs first; import heavy libraries here. Binds the process to the CPU `affinity`."""
        if self.affinity > -1:
            try:
                os.sched_setaffinity(0, {self.affinity})
            except OSError as error:
                # Programs are written on machines with more of them.
                there = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
                self.logger.warning(
                    "%sCPU %d can't be had (%s); there are: %s",
                    self.pre,
                    self.affinity,
                    error.strerror,
                    there,
                )

    def cycle_(self) -> None:
        """Override: runs again and again, with at most one signal handled after each time."""
        self.signal_in.wait(self.wait_s)

    def postRun_(self) -> None:
        """Override: runs last."""

    def handleSignal_(self) -> None:
        """Handle the signal that was sent, if any."""
        if self.signal_in.is_set():
            signal = self.childpipe.recv()
            self.signal_in.clear()
            name = signal.pop("name")
            # Declared as "pong", it's the back end's method all the same: that of the front end sends it.
            method = getattr(self, f"{name}_", None) or getattr(self, name)
            method(**signal)
            self.signal_out.set()

    def sendSignal_(self, **kwargs: Any) -> None:
        """Send a signal to the front end's pipe. Raises as `sendSignal`."""
        _check(self.outgoing_signal_defs, kwargs)
        self.childpipe.send(kwargs)

    def stop_(self) -> None:
        """Leave the loop."""
        self.running = False

    def test_(self, test_int: int = 0, test_str: str = "") -> None:
        """Answer with `test_o`, where that is declared."""
        print(self.pre, "test_", test_int, test_str)
        if "test_o" in self.outgoing_signal_defs:
            self.sendSignal_(name="test_o", test_int=test_int, test_str=test_str)


class ValkkaShmemRGBProcess(ValkkaProcess):
    """Reads pictures from shared memory; override `cycle_` to do something with them."""

    def __init__(
        self,
        name: str,
        affinity: int = -1,
        image_dimensions: tuple[int, int] = (1920 // 4, 1080 // 4),
        n_ringbuffer: int = 10,
        memname: str = "shmem",
        mstimeout: int = 1000,
        verbose: bool = False,
    ) -> None:
        super().__init__(name, affinity)
        self.image_dimensions = image_dimensions
        self.n_ringbuffer = n_ringbuffer
        self.memname = memname
        self.mstimeout = mstimeout
        self.verbose = verbose
        self.client: Any = None

    def preRun_(self) -> None:
        """Make the client."""
        super().preRun_()
        from valkka.api2.shmem import ShmemRGBClient

        self.client = ShmemRGBClient(
            name=self.memname,
            n_ringbuffer=self.n_ringbuffer,
            width=self.image_dimensions[0],
            height=self.image_dimensions[1],
            mstimeout=self.mstimeout,
            verbose=self.verbose,
        )

    def cycle_(self) -> None:
        """Wait for a picture, `mstimeout` at most."""
        index, size = self.client.pull()
        if index is not None and self.verbose:
            print(self.pre, "picture", index, size)


def _check(defined: dict[str, Any], signal: dict[str, Any]) -> None:
    if "name" not in signal:
        raise AttributeError("a signal needs a name")
    arguments = dict(defined[signal["name"]] or {})
    for key in signal.keys() - {"name"} - arguments.keys():
        raise KeyError(f"signal {signal['name']} has no argument {key}")
    for key, kind in arguments.items():
        if key not in signal:
            raise AttributeError(f"signal {signal['name']} needs argument {key}")
        if signal[key].__class__ is not kind:
            raise AttributeError(f"signal {signal['name']}: {key} is {signal[key]!r}, and no {kind.__name__}")
