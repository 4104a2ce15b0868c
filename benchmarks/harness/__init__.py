"""What all families share: rounds, rows, the machine's load, and the screen."""
