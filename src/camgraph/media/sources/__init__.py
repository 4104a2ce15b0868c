"""Where packets come from: cameras by our own client, and what libavformat reads."""
