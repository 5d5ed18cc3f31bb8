"""The media engine as seen from Python: one port; builtin, livekit and fake are its adapters."""
