"""Side by side: the same work on `mlflow server` and on Mainspring, counted per CPU-second of the server."""
