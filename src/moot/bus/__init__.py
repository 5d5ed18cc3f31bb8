"""An event reaches every process, in order for its meeting."""
