"""A WebSocket follows the events of one meeting."""
