"""The native family: frames analysed outside Python."""
