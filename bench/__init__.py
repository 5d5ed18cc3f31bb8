"""One file a question; each prints one line of JSON a figure (`python -m bench.<question>`)."""
