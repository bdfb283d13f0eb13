"""Settings of a project by environment, with their history, and its secrets."""
