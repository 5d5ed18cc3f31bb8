"""Who is asking: a guest by a cookie, an account by a bearer token, a connection by its own token."""
