"""The words a program declares its filters with."""

import operator
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from camgraph.base.pixels import PixelFormat
from camgraph.graph.nodes import (
    Fork,
    Fresh,
    Gate,
    Interval,
    Movement,
    Node,
    Observe,
    Observed,
    Publish,
    Rate,
    Stamp,
)
from camgraph.graph.stream import Stream, whole_numbers


class FilterWords:
    """Declares filters: streams that are made of another stream's frames.

    `source` is a stream, or its name. A filter has packets and pictures alike, whatever its readers ask for;
    it works in the media process, where the frames are. Each raises GraphError if the name is taken, or if a
    value can't be followed.
    """

    @abstractmethod
    def _add(self, node: Node) -> None: ...

    def gate(self, name: str, source: Stream | str, *, opened: bool = True) -> Stream:
        """Declare a gate, and return the stream of the frames that it lets through while it is open.

        `Site.gate` opens and closes it while it runs. What only closed gates keep back is not decoded. Raises
        GraphError.
        """
        self._add(Gate(id=name, source=_name_of(source), opened=opened))
        return Stream(name)

    def rate(self, name: str, source: Stream | str, fps: float) -> Stream:
        """Declare a stream of at most `fps` frames per second of another one, spaced evenly.

        `Site.rate` changes it while it runs. Where the rate need not change, ``frames(fps=…)`` is enough.
        Raises GraphError.
        """
        # Numpy's numbers are numbers, too; a graph is plain data.
        self._add(Rate(id=name, source=_name_of(source), fps=float(fps)))
        return Stream(name)

    def fork(self, name: str, source: Stream | str, branches: Sequence[str]) -> dict[str, Stream]:
        """Declare branches of a stream, and return theirs: ``name.branch``, by branch.

        Each gets all frames while it is attached, as it is at first; `Site.fork` detaches and attaches them
        while they run. Raises GraphError.
        """
        self._add(Fork(id=name, source=_name_of(source), branches=tuple(branches)))
        return {branch: Stream(f"{name}.{branch}") for branch in branches}

    def interval(self, name: str, source: Stream | str, shortest_ms: int) -> Stream:
        """Declare a stream of frames that are `shortest_ms` apart at least, by the times of their capture.

        The first passes, and the first after the camera's clock was set back. `rate` spaces evenly instead,
        and reaches its rate. Raises GraphError.
        """
        self._add(Interval(id=name, source=_name_of(source), shortest_ms=_whole(shortest_ms)))
        return Stream(name)

    def fresh(self, name: str, source: Stream | str, oldest_ms: int) -> Stream:
        """Declare a stream without the frames that were taken more than `oldest_ms` ago when they come.

        Raises GraphError.
        """
        self._add(Fresh(id=name, source=_name_of(source), oldest_ms=_whole(oldest_ms)))
        return Stream(name)

    def stamp(self, name: str, source: Stream | str) -> Stream:
        """Declare a stream whose frames have the wall clock's time of their arrival as that of their capture.

        That holds for all that follows. Raises GraphError.
        """
        self._add(Stamp(id=name, source=_name_of(source)))
        return Stream(name)

    def movement(
        self,
        name: str,
        source: Stream | str,
        *,
        every_ms: int = 200,
        threshold: float = 0.01,
        ends_after_ms: int = 2000,
    ) -> Stream:
        """Declare a stream of pictures during which something moves, and have beginnings and ends told.

        Every `every_ms` a picture's brightness is compared with that of the one before. A difference above
        `threshold`, in the mean of all pixels (0 to 1), is movement; it ends after `ends_after_ms` without.
        The first two pictures do not count. Those compared pass meanwhile, one in `every_ms`.

        `Site.observe` tells of ``movement_began`` and ``movement_ended``. It watches whether anybody reads or
        not, and so costs decoding, but behind a closed gate. Packets all pass. Raises GraphError.
        """
        node = Movement(
            id=name,
            source=_name_of(source),
            every_ms=_whole(every_ms),
            threshold=float(threshold),
            ends_after_ms=_whole(ends_after_ms),
        )
        self._add(node)
        return Stream(name)

    def observe(
        self, name: str, source: Stream | str, *, of: Observed, every_ms: int = 0, data_bytes: int = 0
    ) -> Stream:
        """Declare a stream that `Site.observe` tells of: ``seen``, for each frame, or one in `every_ms`.

        `of`: ``packets``, as they come from the camera, which costs no decoding; ``units``, each NAL unit of
        them, with the start code 00 00 00 01 (where there are none: whole packets); or ``pictures``, which
        are decoded for it whether anybody reads or not, but behind a closed gate. An event has the first
        `data_bytes` of the packet or unit, or of the picture's first plane, 1024 at most. All frames pass.
        Raises GraphError.
        """
        node = Observe(
            id=name,
            source=_name_of(source),
            of=of,
            every_ms=_whole(every_ms),
            data_bytes=_whole(data_bytes),
        )
        self._add(node)
        return Stream(name)

    def publish(
        self,
        name: str,
        source: Stream | str,
        *,
        ring: str,
        format: PixelFormat | Literal["nal", "fmp4"] = "rgb24",  # noqa: A002
        size: tuple[int, int] | None = None,
        tag: int = 0,
    ) -> Stream:
        """Declare a stream that every program of this user can read as `ring`, knowing that name alone.

        Its frames have that format and size (width, height in px; None: the camera's), and `tag` (0 to 65535)
        with each. Of packets (``nal``, ``fmp4``) the size is (bytes, 1), the most that an item has. It costs
        nothing while nobody reads; with event descriptors attached (`Site.attach`), which are written to for
        each frame, it is decoded all the same. Raises GraphError, also if another node publishes the ring.
        """
        node = Publish(
            id=name,
            source=_name_of(source),
            ring=ring,
            format=format,
            size=whole_numbers(size),
            tag=_whole(tag),
        )
        self._add(node)
        return Stream(name)


def _name_of(source: Stream | str) -> str:
    return source if isinstance(source, str) else source.name


def _whole(value: Any) -> Any:
    """Return a plain integer; what is none is left as it is, and refused by the checks of types."""
    try:
        return operator.index(value)
    except TypeError:
        return value
