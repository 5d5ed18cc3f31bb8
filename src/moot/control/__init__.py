"""One command from start to end: load, decide, commit, announce."""
