"""Ours without a further thread: a socket notifier of Qt a process."""

from functools import partial

from benchmarks.messages.transports.camgraph_signals import SignalsTransport

OpenTransport = partial(SignalsTransport, notifier=True)
