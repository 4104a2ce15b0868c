"""Messages of processes as Qt signals."""
