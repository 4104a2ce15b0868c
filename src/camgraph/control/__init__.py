"""What client, supervisor and media processes say to one another, and the channel that carries it."""
