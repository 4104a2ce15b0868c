"""RTSP: messages, digest login, session descriptions, and a server (RFC 2326, 2617, 4566, 6184)."""
