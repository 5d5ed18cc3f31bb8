"""A real LiveKit server for the tests, built from the Go module proxy; see `server.py`."""
