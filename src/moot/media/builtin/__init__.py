"""The built-in media engine: the port over the media core, and what signalling asks of it."""
