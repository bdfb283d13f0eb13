"""The MLflow REST protocol, as its clients speak it."""
