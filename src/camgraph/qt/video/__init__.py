"""One stream in one widget."""
