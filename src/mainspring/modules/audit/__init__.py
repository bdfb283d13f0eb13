"""What was done by whom, kept so that nothing can be taken away unnoticed, and told to whoever listens."""
