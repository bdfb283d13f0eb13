"""Registered models, their versions, aliases, stages and tags."""
