"""Values to SQL and back: named statements on SQLite, PostgreSQL and memory."""
