"""Metric blocks, documents of runs, and indexes that keep a search within its experiment."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rebuild what is logged to runs beside the run's experiment and without foreign keys; add the new tables."""
    _rebuild("params", _TEXTS, "run, key, value", experiment=True)
    _rebuild("tags", _TEXTS, "run, key, value", experiment=True)
    _rebuild("metric_points", _POINTS, "run, key, timestamp, step, value, is_nan", experiment=False)
    _rebuild("latest_metrics", _LATEST, "run, key, value, is_nan, timestamp, step", experiment=True)
    for table in ("params", "tags"):
        _index_text(f"ix_{table}_value", table, ["experiment", "key"], "value", "run")
    op.create_index(
        op.f("ix_latest_metrics_experiment_key_is_nan_value_run"),
        "latest_metrics",
        ["experiment", "key", "is_nan", "value", "run"],
    )
    _index_runs()
    _create_documents()
    _create_blocks()


def _index_runs() -> None:
    op.execute("UPDATE runs SET started_at = 0 WHERE started_at IS NULL")
    op.drop_index(op.f("ix_runs_experiment_lifecycle_stage_started_at_run_id"), "runs")
    if op.get_bind().dialect.name == "postgresql":
        for column, length in (
            ("run_id", 32),
            ("name", None),
            ("user_id", 256),
            ("status", 20),
            ("artifact_uri", None),
        ):
            kind = sa.String(length, collation="C") if length else sa.Text(collation="C")
            op.alter_column("runs", column, type_=kind)
    in_view: list[Any] = ["experiment", "lifecycle_stage"]
    newest_first: list[Any] = [sa.text("started_at DESC"), "run_id"]
    op.create_index("ix_runs_started_at", "runs", [*in_view, *newest_first])
    op.create_index("ix_runs_status", "runs", [*in_view, "status", *newest_first])
    op.create_index("ix_runs_ended_at", "runs", [*in_view, "ended_at", newest_first[0]])
    _index_text("ix_runs_name", "runs", in_view, "name", newest_first[0])


def _index_text(name: str, table: str, before: list[Any], column: str, then: Any) -> None:
    """Index a text: PostgreSQL limits the size of an entry."""
    if op.get_bind().dialect.name == "postgresql":
        prefix = sa.text(f"substr({column}, 1, 100)")
        op.create_index(op.f(f"{name}_prefix"), table, [*before, prefix, then])
    else:
        op.create_index(op.f(name), table, [*before, column, then])


def _rebuild(table: str, columns: list[sa.Column[Any]], copied: str, *, experiment: bool) -> None:
    """Make a table again with ``columns``: SQLite cannot drop a foreign key from one that is there."""
    old = f"old_{table}"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT pk_{table} TO pk_{old}")
    op.rename_table(table, old)
    made = [column.copy() for column in columns]
    keys = [column.name for column in made if column.primary_key]
    op.create_table(table, *made, sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")), sqlite_with_rowid=False)
    chosen = ", ".join(f"old.{name}" for name in copied.split(", "))
    if experiment:
        copied, chosen = f"{copied}, experiment", f"{chosen}, runs.experiment"
    source = f"{old} AS old" + (" JOIN runs ON runs.id = old.run" if experiment else "")
    op.execute(f"INSERT INTO {table} ({copied}) SELECT {chosen} FROM {source}")
    op.drop_table(old)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


_RUN_AND_KEY = [_key("run", sa.BigInteger()), _key("key", sa.String(length=250))]
_TEXTS = [
    *_RUN_AND_KEY,
    sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
    sa.Column("experiment", sa.BigInteger(), nullable=False),
]
_POINTS = [
    *_RUN_AND_KEY,
    _key("timestamp", sa.BigInteger()),
    _key("step", sa.BigInteger()),
    _key("value", sa.Double()),
    _key("is_nan", sa.Boolean()),
]
_LATEST = [
    *_RUN_AND_KEY,
    sa.Column("value", sa.Double(), nullable=False),
    sa.Column("is_nan", sa.Boolean(), nullable=False),
    sa.Column("timestamp", sa.BigInteger(), nullable=False),
    sa.Column("step", sa.BigInteger(), nullable=False),
    sa.Column("experiment", sa.BigInteger(), nullable=False),
]


def _create_documents() -> None:
    """Create the documents; those of the runs that are there wait to be written."""
    op.create_table(
        "run_documents",
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_run_documents")),
    )
    stale = sa.text("body IS NULL")
    op.create_index(
        "ix_run_documents_stale", "run_documents", ["changed_at"], sqlite_where=stale, postgresql_where=stale
    )
    op.execute("INSERT INTO run_documents (run, changed_at) SELECT id, 0 FROM runs")


def _create_blocks() -> None:
    op.create_table(
        "metric_blocks",
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("nans", sa.Integer(), nullable=False),
        sa.Column("first_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("first_step", sa.BigInteger(), nullable=False),
        sa.Column("first_value", sa.Double(), nullable=True),
        sa.Column("last_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("last_value", sa.Double(), nullable=True),
        sa.Column("min_step", sa.BigInteger(), nullable=False),
        sa.Column("max_step", sa.BigInteger(), nullable=False),
        sa.Column("step_delta", sa.BigInteger(), nullable=True),
        sa.Column("steps_increase", sa.Boolean(), nullable=False),
        sa.Column("min_value", sa.Double(), nullable=True),
        sa.Column("min_value_step", sa.BigInteger(), nullable=True),
        sa.Column("min_value_timestamp", sa.BigInteger(), nullable=True),
        sa.Column("max_value", sa.Double(), nullable=True),
        sa.Column("max_value_step", sa.BigInteger(), nullable=True),
        sa.Column("max_value_timestamp", sa.BigInteger(), nullable=True),
        sa.Column("mean", sa.Double(), nullable=True),
        sa.Column("squared_deviations", sa.Double(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", "number", name=op.f("pk_metric_blocks")),
    )
    op.create_table(
        "compaction_queue",
        sa.Column("run", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_compaction_queue")),
    )
    op.create_index(op.f("ix_compaction_queue_due_at"), "compaction_queue", ["due_at"])
