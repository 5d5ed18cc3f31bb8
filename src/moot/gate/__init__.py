"""What is let in: addresses behind proxies, names and origins, rates."""
