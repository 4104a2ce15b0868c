"""Encoded packets as readers of formats ``nal`` and ``fmp4`` get them: NAL units, and boxes of an MP4 file.

Plain data in and out: no ring, no thread, no FFmpeg.
"""
