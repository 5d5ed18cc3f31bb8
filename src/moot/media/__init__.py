"""The media engine as seen from the control plane: one port, three engines."""
