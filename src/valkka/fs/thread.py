"""Threads of ValkkaFS."""

__all__ = ["ValkkaFSWriterThread"]

from valkka.core.later import ValkkaFSWriterThread
