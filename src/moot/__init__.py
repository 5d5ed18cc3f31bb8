"""moot: a meeting service in one process."""
