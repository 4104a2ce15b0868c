"""In your process: the graph you write, the live site, its streams and its processes' front ends."""
