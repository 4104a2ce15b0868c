"""Ours, with the one QThread for all processes."""

from functools import partial

from benchmarks.messages.transports.camgraph_signals import SignalsTransport

OpenTransport = partial(SignalsTransport, notifier=False)
