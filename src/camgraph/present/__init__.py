"""Windows by their id: any stream, drawn into any window of an X display, whatever toolkit it belongs to."""
