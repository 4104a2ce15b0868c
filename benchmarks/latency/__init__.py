"""The latency family: how old a frame is when an analyzer has it, and when it is on the screen."""
