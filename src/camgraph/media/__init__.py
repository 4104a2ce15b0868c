"""In a media process: from a camera's packets to frames in rings (PyAV)."""
