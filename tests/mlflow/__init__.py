"""Conformance with the MLflow protocol: the same tests pass against `mlflow server` 3.17.2 and against Mainspring."""
