"""Cameras, an analyzer process, and a process that gets fragmented MP4."""
