"""Signing in by identity providers, real ones and ones that lie."""
