"""A training loop that logs a point a step, as users write it: `python logging_loop.py POINTS`; prints the run's id."""

import sys

from mlflow import MlflowClient

FIRST_START_MS = 1_700_000_000_000  # as in bench.dataset, which a script that is run by its path cannot import

client = MlflowClient()
run_id = client.create_run("0").info.run_id
for step in range(int(sys.argv[1])):
    client.log_metric(run_id, "loss", step * 0.25, timestamp=FIRST_START_MS + step, step=step)
client.set_terminated(run_id)
print(run_id)
