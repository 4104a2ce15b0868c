"""The way from a front end to its back end, which goes on if the back end is started again."""

import os
import threading
from collections.abc import Callable
from typing import Protocol

from camgraph.base.descriptors import close_all, duplicate_all
from camgraph.base.errors import BrokenError
from camgraph.process.calls import Calls
from camgraph.process.channel import Channel
from camgraph.process.travel import Parcel, dumps
from camgraph.process.wire import Kind


class Request(Protocol):
    """Frames of a stream, as ``stream.frames(…)`` asks for them."""

    @property
    def stream(self) -> str:
        """The name of the stream."""
        ...


Requests = tuple[Request, ...]


class Outbox:
    """Sends calls and requests to the back end of the moment, or keeps them for the next one.

    With `restarts`, a back end that is found dead while something is sent to it changes nothing for the
    sender: it is queued for the next back end, whose channel has no socket yet. What the dead one was sent,
    and has not served, is lost; what it was not sent is handed over. `tell_watched` gets all requests that
    are watched, each time they have changed, in order. All methods may be called from any thread, and none
    waits.
    """

    def __init__(self, answers: Calls, *, restarts: bool, tell_watched: Callable[[Requests], None]) -> None:
        self.channel = Channel()
        """Where what is sent now goes."""
        self.life = 0
        """How many back ends were given up so far; `answers` is told in which each call was sent."""
        self._answers = answers
        self._restarts = restarts
        self._tell_watched = tell_watched
        # One lock for channel, requests and their order: `tell_watched` is called under it, too.
        self._lock = threading.RLock()
        self._watched: list[Request] = []
        self._calls = 0
        """Given to the channel."""
        self._calls_before = 0
        """Sent through the channel before it."""
        self._finishing = False
        self._made_in = os.getpid()

    def call(self, method: str, arguments: Parcel, token: int = 0) -> bool:
        """Send a call; False: too many wait. Raises BrokenError if there is no back end, and none will be.

        With a token, an answer is wanted.
        """
        self._check_process()
        with self._lock:
            taken = False
            try:
                taken = self._send(Kind.CALL, method, arguments, token)
            finally:
                arguments.settle(gone=taken)
            self._calls += taken
            if token and taken:
                self._answers.sent((token,), self.life)
            return taken

    def watch(self, request: Request) -> bool:
        """Ask for the frames of a request; False and errors as `call`."""
        self._check_process()
        with self._lock:
            taken = self._send(Kind.WATCH, "", dumps("request", request))
            if taken and request not in self._watched:
                self._watched.append(request)
                self._tell_watched(tuple(self._watched))
            return taken

    def unwatch(self, which: Request | str) -> bool:
        """Take back a request, or all for the stream of that name; False and errors as `call`."""
        self._check_process()
        with self._lock:
            taken = self._send(Kind.UNWATCH, "", dumps("request", which))
            if isinstance(which, str):
                kept = [request for request in self._watched if request.stream != which]
            else:
                kept = [request for request in self._watched if request != which]
            if taken and kept != self._watched:
                self._watched = kept
                self._tell_watched(tuple(kept))
            return taken

    def finish(self) -> None:
        """Send what is queued, then nothing any more."""
        with self._lock:
            self._finishing = True
            self.channel.finish()

    def turn_from(self, dead: Channel) -> tuple[Channel, int]:
        """Return the channel that comes after `dead`, and how many calls were sent through `dead`."""
        with self._lock:
            if self.channel is dead:
                self.channel = Channel()
                # The supervisor's list may be older than the last word of ours that was lost.
                watched = dumps("requests", self._watched)
                self.channel.send(Kind.WATCHED, body=watched.body, force=True)
                tokens = dead.hand_over(self.channel, Kind.CALL)
                self._calls_before, self._calls = self._calls - len(tokens), len(tokens)
                self.life += 1
                self._answers.sent(tokens, self.life)
                if self._finishing:
                    self.channel.finish()
            return self.channel, self._calls_before

    def close(self, last: Channel) -> int:
        """Release all, with the `last` channel that was opened; return how many calls since that were taken.

        In the thread of the loop.
        """
        with self._lock:
            self._restarts = False
            last.close()
            self.channel.close()
            return self._calls if self.channel is last else self._calls_before + self._calls

    def _send(self, kind: Kind, name: str, parcel: Parcel, token: int = 0) -> bool:
        channel = self.channel
        body, descriptors = parcel.body, parcel.descriptors
        if descriptors and self._restarts and not self._finishing:
            # What the dead one does not take is for the next one, with the descriptors.
            try:
                spare = duplicate_all(descriptors)
            except OSError:
                close_all(descriptors)
                raise
            try:
                taken = channel.send(kind, name, body, token=token, descriptors=descriptors)
            except BrokenError:
                self.turn_from(channel)
                return self.channel.send(kind, name, body, token=token, descriptors=spare)
            close_all(spare)
            return taken
        try:
            return channel.send(kind, name, body, token=token, descriptors=descriptors)
        except BrokenError:
            if not self._restarts or self._finishing:
                raise
        self.turn_from(channel)
        return self.channel.send(kind, name, body, token=token)

    def _check_process(self) -> None:
        # The lock may be held by a thread that this copy does not have.
        if os.getpid() != self._made_in:
            raise BrokenError("this is a forked copy; the process belongs to the program that forked")
