"""Its own process, one per site: desired state, start, watch, restart, and the broker of readers."""
