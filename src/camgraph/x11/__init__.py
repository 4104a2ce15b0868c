"""A connection to an X server, by libxcb: what happens to windows, and whether they can be seen."""
