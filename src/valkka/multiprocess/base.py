"""The names that programs take from here."""

from valkka.multiprocess.aio import AsyncBackMessageProcess, exclog, exclogmsg
from valkka.multiprocess.context import MainContext
from valkka.multiprocess.pipes import Duplex, getPipes, safe_select, to8ByteMessage
from valkka.multiprocess.process import MessageObject, MessageProcess

__all__ = [
    "AsyncBackMessageProcess",
    "Duplex",
    "MainContext",
    "MessageObject",
    "MessageProcess",
    "exclog",
    "exclogmsg",
    "getPipes",
    "safe_select",
    "to8ByteMessage",
]
