"""Every SQL statement of tracking, by what it is about. Nothing here commits."""
