"""Many streams in a window, and windows of them."""
