"""The ``camgraph`` command."""
