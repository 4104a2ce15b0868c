"""Built-in cameras, the pattern they show, and checks for tests: a public kit."""
