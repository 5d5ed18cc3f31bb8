"""HTTP requests become commands, and results become responses."""
