"""What a model of streams tells of each: by role, and by column."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from qtpy.QtCore import Qt

from camgraph.client.sentences import seconds_left, sentence_counting
from camgraph.client.streams import LiveStream
from camgraph.client.wording import words_of
from camgraph.control.messages import HAS_PICTURES, StreamStatistics, StreamStatus

_FIRST = int(Qt.ItemDataRole.UserRole)


class StreamRole(IntEnum):
    """What can be asked of a row, besides what is shown in its columns; QML has them by the names behind.

    What is not known is None, in QML null or undefined.
    """

    STREAM = _FIRST + 1
    """``stream``: the `LiveStream`, for a `VideoWidget`, or a `VideoItem`."""
    NAME = _FIRST + 2
    """``name``"""
    STATE = _FIRST + 3
    """``streamState``: of `StreamStatus.state`."""
    HAS_PICTURE = _FIRST + 4
    """``hasPicture``: whether pictures can be had."""
    WORDS = _FIRST + 5
    """``words``: the state in words."""
    SENTENCE = _FIRST + 6
    """``sentence``: why it is so, with seconds that count."""
    REASON = _FIRST + 7
    """``reason``: machine-readable; empty: nothing is wrong."""
    COUNTDOWN = _FIRST + 8
    """``countdown``: seconds to the next attempt, begun ones counted; 0: none is planned."""
    CODEC = _FIRST + 9
    """``codec``"""
    WIDTH = _FIRST + 10
    """``pictureWidth``, in px"""
    HEIGHT = _FIRST + 11
    """``pictureHeight``, in px"""
    FPS = _FIRST + 12
    """``fps``: packets of video per second, lately."""
    BIT_RATE = _FIRST + 13
    """``bitRate``: bits per second, lately."""
    LOST = _FIRST + 14
    """``lost``: RTP packets that did not come."""
    LOSS = _FIRST + 15
    """``loss``: their share, lately."""
    READERS = _FIRST + 16
    """``readers``: who reads the stream now, in all programs."""
    VALUE = _FIRST + 17
    """What the column shows, unformatted: to sort by."""


ROLE_NAMES: dict[StreamRole, str] = {
    StreamRole.STREAM: "stream",
    StreamRole.NAME: "name",
    StreamRole.STATE: "streamState",
    StreamRole.HAS_PICTURE: "hasPicture",
    StreamRole.WORDS: "words",
    StreamRole.SENTENCE: "sentence",
    StreamRole.REASON: "reason",
    StreamRole.COUNTDOWN: "countdown",
    StreamRole.CODEC: "codec",
    StreamRole.WIDTH: "pictureWidth",
    StreamRole.HEIGHT: "pictureHeight",
    StreamRole.FPS: "fps",
    StreamRole.BIT_RATE: "bitRate",
    StreamRole.LOST: "lost",
    StreamRole.LOSS: "loss",
    StreamRole.READERS: "readers",
}
NUMBERS = frozenset(
    {StreamRole.FPS, StreamRole.BIT_RATE, StreamRole.LOST, StreamRole.LOSS, StreamRole.READERS}
)
"""What the site is asked for."""
COUNTED = frozenset({StreamRole.SENTENCE, StreamRole.COUNTDOWN})
"""What changes by itself while an attempt is waited for."""
OF_STATUS = frozenset(ROLE_NAMES) - NUMBERS - {StreamRole.STREAM, StreamRole.NAME}
"""What a stream's status tells."""


class Known(NamedTuple):
    """What a row is made of."""

    stream: LiveStream
    status: StreamStatus
    numbers: StreamStatistics | None
    readers: int | None
    now_ns: int


_TOLD: dict[StreamRole, Callable[[Known], object]] = {
    StreamRole.STREAM: lambda row: row.stream,
    StreamRole.NAME: lambda row: row.stream.name,
    StreamRole.STATE: lambda row: row.status.state,
    StreamRole.HAS_PICTURE: lambda row: row.status.state in HAS_PICTURES,
    StreamRole.WORDS: lambda row: words_of(row.status.state),
    StreamRole.SENTENCE: lambda row: sentence_counting(row.status, row.now_ns),
    StreamRole.REASON: lambda row: row.status.reason,
    StreamRole.COUNTDOWN: lambda row: seconds_left(row.status.next_attempt_ns, row.now_ns),
    StreamRole.CODEC: lambda row: row.status.codec or None,
    StreamRole.WIDTH: lambda row: row.status.width or None,
    StreamRole.HEIGHT: lambda row: row.status.height or None,
    StreamRole.FPS: lambda row: row.numbers and row.numbers.fps,
    StreamRole.BIT_RATE: lambda row: row.numbers and row.numbers.bit_rate,
    StreamRole.LOST: lambda row: row.numbers and row.numbers.lost,
    StreamRole.LOSS: lambda row: row.numbers and row.numbers.loss,
    StreamRole.READERS: lambda row: row.readers,
}


def value_of(row: Known, role: StreamRole) -> Any:
    """Return what a row tells for a role."""
    return _TOLD[role](row)


class Column(NamedTuple):
    """A column of the table."""

    heading: str
    role: StreamRole
    """Its value; a number stands at the right."""
    text: Callable[[Any], str]
    """The value as it is shown, unless it is None."""
    is_number: bool = True


COLUMNS = (
    Column("Stream", StreamRole.NAME, str, is_number=False),
    Column("State", StreamRole.WORDS, str, is_number=False),
    Column("Width", StreamRole.WIDTH, str),
    Column("Height", StreamRole.HEIGHT, str),
    Column("fps", StreamRole.FPS, lambda fps: f"{fps:.1f}"),
    Column("Mbit/s", StreamRole.BIT_RATE, lambda rate: f"{rate / 1e6:.2f}"),
    Column("Lost", StreamRole.LOST, str),
    Column("Readers", StreamRole.READERS, str),
    Column("Why", StreamRole.SENTENCE, str, is_number=False),
)
