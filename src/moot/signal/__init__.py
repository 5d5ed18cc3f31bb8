"""LiveKit's client dialect becomes moot's words, and back."""
