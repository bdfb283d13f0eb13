"""Tables of tracking.

Runs carry a small integer key beside the public ``run_id``: it is what the wide tables (params,
tags, metrics) refer to, so that their rows and indexes stay short. Times are milliseconds since
the epoch, UTC. A NaN is stored as ``value = 0, is_nan = true``; infinities as the largest doubles.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from mainspring.db.schema import metadata
from mainspring.kit.time import now_ms

# SQLite makes only INTEGER primary keys into row ids; PostgreSQL wants the 64 bits spelled out.
Key = BigInteger().with_variant(Integer, "sqlite")

experiments = Table(
    "experiments",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(500), nullable=False, unique=True),
    Column("artifact_location", Text, nullable=False),
    Column("lifecycle_stage", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)


@event.listens_for(experiments, "after_create")
def _add_default_experiment(_table: Table, tx: Connection, **_options: object) -> None:
    """Put in experiment 0, which clients log to when they name none."""
    now = now_ms()
    row = {"id": 0, "name": "Default", "artifact_location": "mlflow-artifacts:/0", "lifecycle_stage": "active"}
    tx.execute(experiments.insert().values(**row, created_at=now, updated_at=now))


experiment_tags = Table(
    "experiment_tags",
    metadata,
    Column("experiment", ForeignKey("experiments.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Key, primary_key=True),
    Column("run_id", String(32), nullable=False, unique=True),
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", String(256), nullable=False),
    Column("status", String(20), nullable=False),
    Column("lifecycle_stage", String(20), nullable=False),
    Column("artifact_uri", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("deleted_at", BigInteger),
    Index(None, "experiment", "lifecycle_stage", "started_at", "run_id"),
)

params = Table(
    "params",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "run"),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "run"),
    sqlite_with_rowid=False,
)

metric_points = Table(
    "metric_points",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("value", Double, primary_key=True),
    Column("is_nan", Boolean, primary_key=True),
    sqlite_with_rowid=False,
)
"""Every point ever logged, once: the key is the whole point, so that a repeated one is dropped."""

latest_metrics = Table(
    "latest_metrics",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Double, nullable=False),
    Column("is_nan", Boolean, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("step", BigInteger, nullable=False),
    Index(None, "key", "is_nan", "value", "run"),
    sqlite_with_rowid=False,
)
"""The greatest point of each key by (step, timestamp, value)."""

datasets = Table(
    "datasets",
    metadata,
    Column("id", Key, primary_key=True),
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("name", String(500), nullable=False),
    Column("digest", String(36), nullable=False),
    Column("source_type", String(36), nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text),
    Column("profile", Text),
    UniqueConstraint("experiment", "name", "digest"),
)

run_datasets = Table(
    "run_datasets",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("dataset", ForeignKey("datasets.id"), primary_key=True),
    Index(None, "dataset"),
)

run_dataset_tags = Table(
    "run_dataset_tags",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("dataset", ForeignKey("datasets.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

logged_models = Table(
    "logged_models",
    metadata,
    Column("id", Key, primary_key=True),
    Column("model_id", String(34), nullable=False, unique=True),
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("name", String(500), nullable=False),
    Column("source_run_id", String(32)),
    Column("model_type", Text),
    Column("status", String(40), nullable=False),
    Column("status_message", Text),
    Column("artifact_uri", Text, nullable=False),
    Column("lifecycle_stage", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "experiment", "lifecycle_stage", "created_at"),
    Index(None, "source_run_id"),
)

logged_model_params = Table(
    "logged_model_params",
    metadata,
    Column("model", ForeignKey("logged_models.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

logged_model_tags = Table(
    "logged_model_tags",
    metadata,
    Column("model", ForeignKey("logged_models.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

logged_model_metrics = Table(
    "logged_model_metrics",
    metadata,
    Column("model", ForeignKey("logged_models.id"), primary_key=True),
    Column("key", String(500), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("run_id", String(32), primary_key=True),
    Column("value", Double, nullable=False),
    Column("is_nan", Boolean, nullable=False),
    Column("dataset_name", String(500)),
    Column("dataset_digest", String(36)),
    Index(None, "key", "value"),
)

run_models = Table(
    "run_models",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("role", String(10), primary_key=True),
    Column("model_id", String(34), primary_key=True),
    Column("step", BigInteger, nullable=False),
    Index(None, "model_id"),
)
"""Logged models that a run read (``role = input``) or made (``role = output``, with its step)."""
