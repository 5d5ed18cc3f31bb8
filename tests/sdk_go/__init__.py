"""Runs the tests of LiveKit's SDK for Go against a server; see `suite.py`."""
