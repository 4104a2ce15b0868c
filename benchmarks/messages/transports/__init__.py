"""The ways between a Qt program and its back ends: ours, and what a program would use otherwise."""
