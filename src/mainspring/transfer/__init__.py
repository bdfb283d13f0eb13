"""Moving in and out: another server's experiments, models and files into this one, and all of it into Parquet files."""
