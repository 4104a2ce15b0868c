"""The present family: what drawing into windows by their id costs."""
