"""Unmodified LiveKit clients against moot's own engine, and the same against LiveKit's server."""
