"""Who is asking: a guest by a cookie, an account by a token, a connection by a token of its own."""
