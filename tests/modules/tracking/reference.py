"""The same experiments, runs and logged models in MLflow's own store and in our tables.

The data is made through MLflow's ``SqlAlchemyStore`` and copied from its tables row by row, so that
any difference between two searches is one of the searches.
"""

import itertools
import math
import random
import sqlite3
from pathlib import Path
from typing import Any

from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunTag,
)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import Connection, insert

from mainspring.modules.tracking import tables

KEYS = ("a", "b", "learning rate", "mlflow.user")
WORDS = ("x", "X", "xy", "it's", 'say "x"', "50%", "a_b", "a*b", "[x]", "", "10", "9", "C:\\dir\\", "ünï", "XY")
NUMBERS = (0.0, 1.0, -1.5, 1e-3, 2.0, 1.0, math.nan, math.inf, -math.inf, 1e300, 5.0)
STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED")
START = 1_700_000_000_000
MODEL_STATUS = {1: "PENDING", 2: "READY", 3: "FAILED"}


class Reference:
    """MLflow's store, filled. ``path`` is its SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "reference.db"
        self.store = SqlAlchemyStore(f"sqlite:///{self.path}", str(folder / "artifacts"))
        self.random = random.Random(20)
        self._fill()

    def _fill(self) -> None:
        names = ("alpha", "Alpha", "beta 50%", "gam_ma", "gone")
        experiments = [
            self.store.create_experiment(name, tags=[ExperimentTag(key, self._word()) for key in self._some(KEYS)])
            for name in names
        ]
        runs = [self._run(experiment) for experiment in ("0", *experiments) for _ in range(12)]
        for run in self.random.sample(runs, 12):
            self.store.delete_run(run)
        models = [self._model(experiment) for experiment in ("0", *experiments[:2]) for _ in range(10)]
        for model in self.random.sample(models, 4):
            self.store.delete_logged_model(model)
        self.store.delete_experiment(experiments[-1])
        self._set_times(models)

    def _run(self, experiment: str) -> str:
        start = START + self.random.randrange(4)
        user = self.random.choice(("ann", "bob"))
        run = self.store.create_run(experiment, user, start, [], self.random.choice(("Fast", "fast", "slow 1")))
        run_id = run.info.run_id
        points = [
            Metric(key, self.random.choice(NUMBERS), START + step, step)
            for key in self._some(KEYS)
            for step in range(self.random.randrange(1, 3))
        ]
        self.store.log_batch(
            run_id,
            points,
            [Param(key, self._word()) for key in self._some(KEYS)],
            [RunTag(key, self._word()) for key in self._some(KEYS)],
        )
        end = START + self.random.randrange(3) if self.random.random() < 0.6 else None
        self.store.update_run_info(run_id, self.random.choice((1, 2, 3, 4, 5)), end, None)
        inputs = [
            DatasetInput(
                Dataset(name, digest, "local", "here"),
                [InputTag("mlflow.data.context", context)] if context else [InputTag("other", "train")],
            )
            for name, digest in self._some((("wine", "1"), ("wine", "2"), ("iris", "1"), ("it's", "9")))
            for context in [self.random.choice(("train", "eval", "Train", None))]
        ]
        if inputs:
            self.store.log_inputs(run_id, inputs)
        return run_id

    def _model(self, experiment: str) -> str:
        run = self.store.create_run(experiment, "ann", START, [], "source").info.run_id
        model = self.store.create_logged_model(
            experiment,
            self.random.choice(("forest", "Forest", "net_50")),
            self.random.choice((run, None)),
            [LoggedModelTag(key, self._word()) for key in self._some(KEYS)],
            [LoggedModelParameter(key, self._word()) for key in self._some(KEYS)],
            self.random.choice(("sklearn", "torch", None)),
        ).model_id
        for key, step in itertools.product(self._some(KEYS), range(2)):
            dataset, digest = self.random.choice((("wine", "1"), ("wine", "2"), ("iris", "1"), (None, None)))
            # MLflow keeps no mark of a NaN here; ours sorts and filters it as for runs, which has a test of its own.
            value = self.random.choice([number for number in NUMBERS if not math.isnan(number)])
            point = Metric(
                key, value, START + self.random.randrange(2), step, model, dataset, digest if dataset else None, run
            )
            self.store.log_metric(run, point)
        if self.random.random() < 0.5:
            self.store.finalize_logged_model(model, LoggedModelStatus.READY)
        return model

    def _set_times(self, models: list[str]) -> None:
        """Make ties, which the clock would not."""
        with sqlite3.connect(self.path) as connection:
            connection.execute(
                "UPDATE experiments SET creation_time = ?1 + experiment_id / 2, "
                "last_update_time = ?1 - experiment_id % 2",
                (START,),
            )
            for model in models:
                times = (START + self.random.randrange(3), START + self.random.randrange(3), model)
                connection.execute(
                    "UPDATE logged_models SET creation_timestamp_ms = ?, last_updated_timestamp_ms = ? "
                    "WHERE model_id = ?",
                    times,
                )

    def _word(self) -> str:
        return self.random.choice(WORDS)

    def _some(self, values: tuple[Any, ...]) -> list[Any]:
        return [value for value in values if self.random.random() < 0.6]

    def copy(self, tx: Connection) -> None:
        """Write everything into our tables."""
        _Copy(self.path, tx).all()


class _Copy:
    def __init__(self, path: Path, tx: Connection) -> None:
        self.source = sqlite3.connect(path)
        self.source.row_factory = sqlite3.Row
        self.tx = tx

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.source.execute(sql)]

    def write(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.tx.execute(insert(table), rows)

    def all(self) -> None:
        self.write(
            tables.experiments,
            self.rows(
                "SELECT experiment_id AS id, name, artifact_location, lifecycle_stage, creation_time AS created_at, "
                "last_update_time AS updated_at FROM experiments"
            ),
        )
        self.write(
            tables.experiment_tags, self.rows("SELECT experiment_id AS experiment, key, value FROM experiment_tags")
        )
        self.runs()
        self.datasets()
        self.models()
        self.source.close()

    def runs(self) -> None:
        runs = self.rows(
            "SELECT rowid AS id, run_uuid AS run_id, experiment_id AS experiment, name, user_id, status, "
            "lifecycle_stage, artifact_uri, start_time AS started_at, end_time AS ended_at FROM runs"
        )
        self.write(tables.runs, runs)
        self.write(tables.run_documents, [{"run": run["id"], "changed_at": 0} for run in runs])
        for table, source in ((tables.params, "params"), (tables.tags, "tags")):
            self.write(
                table,
                self.rows(
                    "SELECT r.rowid AS run, k.key, k.value, r.experiment_id AS experiment "
                    f"FROM {source} k JOIN runs r USING (run_uuid)"
                ),
            )
        metrics = self.rows(
            "SELECT r.rowid AS run, m.key, m.value, m.is_nan, m.timestamp, m.step, r.experiment_id AS experiment "
            "FROM latest_metrics m JOIN runs r USING (run_uuid)"
        )
        self.write(tables.latest_metrics, [{**metric, "is_nan": bool(metric["is_nan"])} for metric in metrics])

    def datasets(self) -> None:
        self.write(
            tables.datasets,
            self.rows(
                "SELECT rowid AS id, experiment_id AS experiment, name, digest, dataset_source_type AS source_type, "
                "dataset_source AS source FROM datasets"
            ),
        )
        inputs = (
            "FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id JOIN runs r ON r.run_uuid = i.destination_id"
        )
        self.write(tables.run_datasets, self.rows(f"SELECT r.rowid AS run, d.rowid AS dataset {inputs}"))
        self.write(
            tables.run_dataset_tags,
            self.rows(
                f"SELECT r.rowid AS run, d.rowid AS dataset, t.name AS key, t.value {inputs} "
                "JOIN input_tags t ON t.input_uuid = i.input_uuid"
            ),
        )

    def models(self) -> None:
        models = self.rows(
            "SELECT rowid AS id, model_id, experiment_id AS experiment, name, source_run_id, model_type, status, "
            "status_message, artifact_location AS artifact_uri, lifecycle_stage, creation_timestamp_ms AS created_at, "
            "last_updated_timestamp_ms AS updated_at FROM logged_models"
        )
        self.write(tables.logged_models, [{**model, "status": MODEL_STATUS[model["status"]]} for model in models])
        for table, name in ((tables.logged_model_params, "param"), (tables.logged_model_tags, "tag")):
            self.write(
                table,
                self.rows(
                    f"SELECT m.rowid AS model, {name}_key AS key, {name}_value AS value "
                    f"FROM logged_model_{name}s k JOIN logged_models m USING (model_id)"
                ),
            )
        points = self.rows(
            "SELECT m.rowid AS model, metric_name AS key, metric_timestamp_ms AS timestamp, metric_step AS step, "
            "p.run_id, metric_value AS value, dataset_name, dataset_digest "
            "FROM logged_model_metrics p JOIN logged_models m USING (model_id)"
        )
        self.write(tables.logged_model_metrics, [{**point, "is_nan": False} for point in points])
