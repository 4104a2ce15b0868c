"""Benchmarks: camgraph, its peers and the limit, measured in one run. ``python -m benchmarks --help``."""
