"""SQL of configuration and of secrets."""
