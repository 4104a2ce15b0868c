"""The ring family: from a decoded frame to a reader in another process, and what it costs the writer."""
