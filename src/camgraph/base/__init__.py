"""What every room stands on: errors, waiting, descriptors, child processes (standard library only)."""
