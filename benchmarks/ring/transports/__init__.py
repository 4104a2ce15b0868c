"""Ways to bring frames from one process to others: ours, the peers', and the limit."""
