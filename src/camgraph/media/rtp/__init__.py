"""RTP and RTCP (RFC 3550): packets in, access units out. No socket, no thread, no clock, no FFmpeg."""
