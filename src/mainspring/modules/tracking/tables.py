"""Tables of tracking.

Runs carry a small integer key beside the public ``run_id``: it is what the wide tables (params,
tags, metrics) refer to, so that their rows and indexes stay short. They carry the run's experiment
too, so that the index of a search holds that experiment alone, and no foreign keys, whose checks the
write path would pay at every row: runs are created before what is logged to them, and deleted with it.
Times are milliseconds since the epoch, UTC. A NaN is stored as ``value = 0, is_nan = true``;
infinities as the largest doubles. Texts that searches sort by are in the order of their code points on
every database.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
    func,
    text,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from mainspring.db.schema import Key, metadata
from mainspring.kit.time import now_ms

_STALE = text("body IS NULL")


def _project() -> Column[int]:
    """The key of the project that owns a row; rows of before there were projects are the default project's."""
    return Column("project", BigInteger, nullable=False, server_default=text("1"))


def _sorted_text(length: int | None = None) -> TypeEngine[str]:
    """A text that compares by code points, as SQLite's all do: PostgreSQL's would by the database's language."""
    kind = String if length else Text
    return kind(length).with_variant(kind(length, collation="C"), "postgresql")


def _index_text(name: str, before: tuple[Column[Any], ...], column: Column[str], then: ColumnElement[Any]) -> None:
    """Index a text of any length: on PostgreSQL, which limits the size of an entry, its first 100 characters."""
    Index(name, *before, column, then).ddl_if(dialect="sqlite")
    prefix = func.substr(column, text("1"), text("100"))
    Index(f"{name}_prefix", *before, prefix, then).ddl_if(dialect="postgresql")


experiments = Table(
    "experiments",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(500), nullable=False),
    Column("artifact_location", Text, nullable=False),
    Column("lifecycle_stage", String(20), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("collected_at", BigInteger),
    _project(),
    Column("is_default", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("project", "name"),
)
"""``collected_at``, here and below: since when it is being deleted for good, NULL where it is not.

``is_default`` marks the one experiment of a project that clients log to when they name none: they call it 0.
"""


@event.listens_for(experiments, "after_create")
def _add_default_experiment(_table: Table, tx: Connection, **_options: object) -> None:
    """Put in experiment 0, which clients log to when they name none."""
    now = now_ms()
    row = {"id": 0, "name": "Default", "artifact_location": "mlflow-artifacts:/0", "lifecycle_stage": "active"}
    tx.execute(experiments.insert().values(**row, is_default=True, created_at=now, updated_at=now))


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
    Column("run_id", _sorted_text(32), nullable=False, unique=True),
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("name", _sorted_text(), nullable=False),
    Column("user_id", _sorted_text(256), nullable=False),
    Column("status", _sorted_text(20), nullable=False),
    Column("lifecycle_stage", String(20), nullable=False),
    Column("artifact_uri", _sorted_text(), nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("collected_at", BigInteger),
    _project(),
)
"""``started_at`` is never NULL."""
_IN_VIEW = (runs.c.experiment, runs.c.lifecycle_stage)
_NEWEST_FIRST = (runs.c.started_at.desc(), runs.c.run_id)
Index("ix_runs_started_at", *_IN_VIEW, *_NEWEST_FIRST)
Index("ix_runs_status", *_IN_VIEW, runs.c.status, *_NEWEST_FIRST)
Index("ix_runs_ended_at", *_IN_VIEW, runs.c.ended_at, runs.c.started_at.desc())
_index_text("ix_runs_name", _IN_VIEW, runs.c.name, runs.c.started_at.desc())

run_documents = Table(
    "run_documents",
    metadata,
    Column("run", Key, primary_key=True, autoincrement=False),
    Column("body", LargeBinary),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_run_documents_stale", "changed_at", sqlite_where=_STALE, postgresql_where=_STALE),
)
"""A run with all that was logged to it as one JSON text, for searches to hand out whole.

Whatever changes a run empties its ``body`` in the same transaction, ``changed_at`` (ms) then; a
background task writes it anew when the run has been quiet for a while.
"""

params = Table(
    "params",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", _sorted_text(), nullable=False),
    Column("experiment", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", _sorted_text(), nullable=False),
    Column("experiment", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

for _table in (params, tags):
    _index_text(f"ix_{_table.name}_value", (_table.c.experiment, _table.c.key), _table.c.value, _table.c.run)

metric_points = Table(
    "metric_points",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("value", Double, primary_key=True),
    Column("is_nan", Boolean, primary_key=True),
    sqlite_with_rowid=False,
)
"""The newest points, one a row; a background task moves older ones into ``metric_blocks``."""

metric_blocks = Table(
    "metric_blocks",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("points", Integer, nullable=False),
    Column("nans", Integer, nullable=False),
    Column("first_timestamp", BigInteger, nullable=False),
    Column("first_step", BigInteger, nullable=False),
    Column("first_value", Double),
    Column("last_timestamp", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("last_value", Double),
    Column("min_step", BigInteger, nullable=False),
    Column("max_step", BigInteger, nullable=False),
    Column("step_delta", BigInteger),
    Column("steps_increase", Boolean, nullable=False),
    Column("min_value", Double),
    Column("min_value_step", BigInteger),
    Column("min_value_timestamp", BigInteger),
    Column("max_value", Double),
    Column("max_value_step", BigInteger),
    Column("max_value_timestamp", BigInteger),
    Column("mean", Double),
    Column("squared_deviations", Double),
    Column("data", LargeBinary, nullable=False),
)
"""Many points of one run and key in a row: columns packed into ``data``, and what a chart needs of them beside it.

Points lie in the order (timestamp, step, value, is_nan). ``number`` is unique within run and key and says
nothing of order. Blocks may overlap and may hold a point that another block or a row holds too: readers
give it once. A value that is NULL is a NaN; ``min_value``, ``max_value``, ``mean`` and
``squared_deviations`` (the sum of squared distances from the mean) are of the numbers alone, NULL where
there are none. ``step_delta`` is the distance of all neighbouring steps where it is the same and there are
two; ``steps_increase`` says that no step is less than the one before it. ``data`` is explained in ``blocks.py``.
Unlike its neighbours the table has row ids on SQLite: a scan of the primary key would else read all ``data``.
"""

compaction_queue = Table(
    "compaction_queue",
    metadata,
    Column("run", Key, primary_key=True, autoincrement=False),
    Column("due_at", BigInteger, nullable=False, index=True),
)
"""Runs whose points the compaction is to look at, and from when on (ms).

A run gets here when its document was written anew, which follows every change of it, and stays until
it has been quiet for a while: looking for what to compact reads these runs only, never all points.
"""

latest_metrics = Table(
    "latest_metrics",
    metadata,
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", Double, nullable=False),
    Column("is_nan", Boolean, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("experiment", BigInteger, nullable=False),
    Index(None, "experiment", "key", "is_nan", "value", "run"),
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
    Index(None, "name", "digest"),
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
    Column("collected_at", BigInteger),
    _project(),
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
