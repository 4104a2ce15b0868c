"""Python processes with a front end and a back end, always forked.

Front-end methods have plain names, back-end methods end in two underscores, and `c__<command>` handles what
`sendMessageToBack(MessageObject("<command>", …))` sends.
"""

from valkka.multiprocess.base import (
    AsyncBackMessageProcess,
    Duplex,
    MainContext,
    MessageObject,
    MessageProcess,
    exclog,
    exclogmsg,
    getPipes,
    safe_select,
    to8ByteMessage,
)
from valkka.multiprocess.sync import EventGroup, NotEnoughEvents, SyncIndex
from valkka.multiprocess.version import getVersionTag

__version__ = getVersionTag()

__all__ = [
    "AsyncBackMessageProcess",
    "Duplex",
    "EventGroup",
    "MainContext",
    "MessageObject",
    "MessageProcess",
    "NotEnoughEvents",
    "SyncIndex",
    "exclog",
    "exclogmsg",
    "getPipes",
    "getVersionTag",
    "safe_select",
    "to8ByteMessage",
]
