"""MLflow's database, read by SQL: any of its schema's revisions since metrics have steps and NaN (MLflow 1.2, 2019).

Tables and columns that came later are taken where they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, MetaData, Select, func, literal, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unavailable
from mainspring.kit.sql_transfer import create_source_engine
from mainspring.modules.registry.schemas import ModelVersion
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import Dataset, DatasetInput, Experiment, Metric, ModelOutput
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord
from mainspring.settings import mask
from mainspring.transfer import records
from mainspring.transfer.source import BATCH, Notes, point_of

REQUIRED = {
    "experiments": {"experiment_id", "name", "artifact_location", "lifecycle_stage"},
    "experiment_tags": {"experiment_id", "key", "value"},
    "runs": {"run_uuid", "experiment_id", "user_id", "status", "start_time", "end_time", "lifecycle_stage"},
    "params": {"run_uuid", "key", "value"},
    "tags": {"run_uuid", "key", "value"},
    "metrics": {"run_uuid", "key", "value", "timestamp", "step", "is_nan"},
}
OPTIONAL = {
    "datasets",
    "inputs",
    "input_tags",
    "logged_models",
    "logged_model_params",
    "logged_model_tags",
    "logged_model_metrics",
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
}
NOT_IMPORTED = {
    "trace_info": "traces",
    "evaluation_datasets": "evaluation datasets",
    "scorers": "scorers",
    "webhooks": "webhooks",
    "issues": "issues",
    "label_schemas": "label schemas",
    "mcp_servers": "MCP servers",
    "endpoints": "gateway endpoints",
}
OURS = "mainspring_version"
DEFAULT_WORKSPACE = "default"
IDS_AT_ONCE = 10_000
ROWS_AT_ONCE = 5_000

Pairs = dict[Any, dict[str, str]]


class MlflowDatabase:
    """An MLflow database as a ``Source``.

    Raises InvalidArgument where the database is not MLflow's, FailedPrecondition where its schema is too old.
    """

    def __init__(self, url: str) -> None:
        self.name = mask(url)
        self.notes = Notes()
        self._engine = create_source_engine(url)
        self._tables = self._reflect().tables
        self._registered: dict[str, tuple[str, str]] = {}

    def _reflect(self) -> MetaData:
        wanted = REQUIRED.keys() | OPTIONAL | NOT_IMPORTED.keys() | {OURS}
        found = MetaData()
        with self._read() as tx:
            found.reflect(tx, only=lambda name, _: name in wanted, resolve_fks=False)
        if OURS in found.tables:
            raise InvalidArgument(f"{self.name} is a database of Mainspring itself, not of MLflow.")
        if "experiments" not in found.tables or "runs" not in found.tables:
            raise InvalidArgument(f"{self.name} is not MLflow's: it has no tables 'experiments' and 'runs'.")
        for table, columns in REQUIRED.items():
            have = set(found.tables[table].c.keys()) if table in found.tables else set()
            if columns - have:
                raise FailedPrecondition(
                    f"The schema of {self.name} is older than MLflow 1.2: the table '{table}' lacks "
                    f"{', '.join(sorted(columns - have))}. Make a copy, bring it up to date with `mlflow db upgrade`, "
                    "and import that."
                )
        return found

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as tx:
                yield tx
        except DBAPIError as error:
            kind = Unavailable if isinstance(error, OperationalError | InterfaceError) else InvalidArgument
            raise kind(f"{self.name} cannot be read: {str(error.orig).splitlines()[0]}.") from error

    def close(self) -> None:
        self._engine.dispose()

    # Experiments and runs

    def experiments(self) -> Iterator[Experiment]:
        wanted = self._select(
            "experiments",
            "experiment_id",
            "name",
            "artifact_location",
            "lifecycle_stage",
            creation_time=None,
            last_update_time=None,
            workspace=DEFAULT_WORKSPACE,
        )
        with self._read() as tx:
            rows = tx.execute(wanted.order_by("experiment_id")).all()
            tags = _pairs(tx.execute(self._select("experiment_tags", "experiment_id", "key", "value")))
        for row in rows:
            yield Experiment(
                str(row.experiment_id),
                _in_workspace(row.name, row.workspace),
                records.text_of(row.artifact_location),
                records.lifecycle(row.lifecycle_stage),
                row.creation_time or 0,
                row.last_update_time or row.creation_time or 0,
                tags[row.experiment_id],
            )

    def count_runs(self) -> int:
        with self._read() as tx:
            return int(tx.execute(select(func.count()).select_from(self._tables["runs"])).scalar_one())

    def runs(self, experiment_id: str) -> Iterator[list[RunRecord]]:
        last = ""
        while ids := self._run_ids(int(experiment_id), last):
            for start in range(0, len(ids), BATCH):
                with self._read() as tx:
                    batch = self._load_runs(tx, ids[start : start + BATCH])
                yield batch
            last = ids[-1]

    def _run_ids(self, experiment: int, after: str) -> list[str]:
        run = self._tables["runs"].c
        wanted = select(run.run_uuid).where(run.experiment_id == experiment, run.run_uuid > after)
        with self._read() as tx:
            return list(tx.execute(wanted.order_by(run.run_uuid).limit(IDS_AT_ONCE)).scalars())

    def _load_runs(self, tx: Connection, ids: list[str]) -> list[RunRecord]:
        wanted = self._select(
            "runs",
            "run_uuid",
            "experiment_id",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "lifecycle_stage",
            name=None,
            artifact_uri=None,
            deleted_time=None,
        )
        rows = tx.execute(wanted.where(self._tables["runs"].c.run_uuid.in_(ids)).order_by("run_uuid")).all()
        params, tags = self._run_pairs(tx, "params", ids), self._run_pairs(tx, "tags", ids)
        datasets = self._datasets(tx, ids)
        inputs = self._models(tx, "RUN_INPUT", "MODEL_INPUT", ids)
        outputs = self._models(tx, "RUN_OUTPUT", "MODEL_OUTPUT", ids)
        return [
            RunRecord(
                row.run_uuid,
                str(row.experiment_id),
                row.name or tags[row.run_uuid].get("mlflow.runName", ""),
                records.text_of(row.user_id),
                records.run_status(row.status),
                records.lifecycle(row.lifecycle_stage),
                records.text_of(row.artifact_uri),
                row.start_time,
                row.end_time,
                params[row.run_uuid],
                tags[row.run_uuid],
                datasets=datasets[row.run_uuid],
                model_inputs=[model for model, _ in inputs[row.run_uuid]],
                model_outputs=[ModelOutput(*model) for model in outputs[row.run_uuid]],
                deleted_at=row.deleted_time,
            )
            for row in rows
        ]

    def _run_pairs(self, tx: Connection, table: str, ids: list[str]) -> Pairs:
        wanted = self._select(table, "run_uuid", "key", "value")
        return _pairs(tx.execute(wanted.where(self._tables[table].c.run_uuid.in_(ids))))

    def _datasets(self, tx: Connection, ids: list[str]) -> dict[str, list[DatasetInput]]:
        """Return the datasets that runs read, by run."""
        found: dict[str, list[DatasetInput]] = defaultdict(list)
        if "inputs" not in self._tables:
            return found
        given, dataset = self._tables["inputs"].c, self._tables["datasets"].c
        described = (dataset.name, dataset.digest, dataset.dataset_source_type, dataset.dataset_source)
        wanted = (
            select(given.destination_id, given.input_uuid, *described, dataset.dataset_schema, dataset.dataset_profile)
            .join_from(self._tables["inputs"], self._tables["datasets"], given.source_id == dataset.dataset_uuid)
            .where(given.source_type == "DATASET", given.destination_type == "RUN", given.destination_id.in_(ids))
            .order_by(given.destination_id, given.input_uuid)
        )
        rows = tx.execute(wanted).all()
        tags = self._select("input_tags", "input_uuid", "name", "value")
        by_input = _pairs(tx.execute(tags.where(self._tables["input_tags"].c.input_uuid.in_([row[1] for row in rows]))))
        for run_id, uuid, *columns in rows:
            found[run_id].append(DatasetInput(Dataset(*columns), by_input[uuid]))
        return found

    def _models(self, tx: Connection, source: str, target: str, ids: list[str]) -> dict[str, list[tuple[str, int]]]:
        """Return the logged models that runs read or made, and at which step, by run."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        if "inputs" not in self._tables:
            return found
        given = self._tables["inputs"].c
        wanted = self._select("inputs", "source_id", "destination_id", step=0)
        this = (given.source_type == source, given.destination_type == target, given.source_id.in_(ids))
        for run_id, model_id, step in tx.execute(wanted.where(*this).order_by("destination_id")):
            found[run_id].append((model_id, step))
        return found

    def points(self, runs: Sequence[RunRecord]) -> Iterator[RunPoint]:
        metric = self._tables["metrics"].c
        wanted = (
            select(metric.run_uuid, metric.key, metric.timestamp, metric.step, metric.value, metric.is_nan)
            .where(metric.run_uuid.in_([run.run_id for run in runs]))
            .order_by(metric.run_uuid, metric.key, metric.timestamp, metric.step)
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
        with self._read() as tx:
            for run_id, key, timestamp, step, value, is_nan in tx.execute(wanted):
                yield point_of(run_id, key, timestamp, step, value, is_nan)

    # Models

    def logged_models(self, experiment_id: str) -> Iterator[ModelRecord]:
        if "logged_models" not in self._tables:
            return
        model = self._tables["logged_models"].c
        wanted = select(model.model_id).where(model.experiment_id == int(experiment_id)).order_by(model.model_id)
        with self._read() as tx:
            ids = list(tx.execute(wanted).scalars())
        for start in range(0, len(ids), BATCH):
            with self._read() as tx:
                batch = self._load_models(tx, ids[start : start + BATCH])
            yield from batch

    def _load_models(self, tx: Connection, ids: list[str]) -> list[ModelRecord]:
        def of(table: str) -> Select[Any]:
            return select(self._tables[table]).where(self._tables[table].c.model_id.in_(ids))

        params = _pairs((row.model_id, row.param_key, row.param_value) for row in tx.execute(of("logged_model_params")))
        tags = _pairs((row.model_id, row.tag_key, row.tag_value) for row in tx.execute(of("logged_model_tags")))
        metrics: dict[str, list[Metric]] = defaultdict(list)
        for row in tx.execute(of("logged_model_metrics")):
            metrics[row.model_id].append(
                records.model_metric(
                    row.metric_name,
                    row.metric_value,
                    row.metric_timestamp_ms,
                    row.metric_step,
                    row.run_id,
                    row.dataset_name,
                    row.dataset_digest,
                )
            )
        return [
            ModelRecord(
                row.model_id,
                str(row.experiment_id),
                row.name,
                row.artifact_location,
                records.model_status(row.status),
                row.creation_timestamp_ms,
                row.last_updated_timestamp_ms,
                row.source_run_id,
                row.model_type,
                row.status_message,
                params[row.model_id],
                tags[row.model_id],
                metrics[row.model_id],
                records.lifecycle(row.lifecycle_stage),
            )
            for row in tx.execute(of("logged_models").order_by("model_id"))
        ]

    def registered_models(self) -> Iterator[RegisteredModelRecord]:
        if "registered_models" not in self._tables:
            return
        named = ("name", "creation_time", "last_updated_time")
        wanted = self._select("registered_models", *named, description=None, workspace=DEFAULT_WORKSPACE)
        with self._read() as tx:
            rows = tx.execute(wanted.order_by("name")).all()
            tags = self._registered_pairs(tx, "registered_model_tags", "key", "value")
            aliases = self._registered_pairs(tx, "registered_model_aliases", "alias", "version")
            newest = self._newest_versions(tx)
        for row in rows:
            key = (row.workspace, row.name)
            name = _in_workspace(row.name, row.workspace)
            self._registered[name] = key
            yield RegisteredModelRecord(
                name,
                row.creation_time or 0,
                row.last_updated_time or row.creation_time or 0,
                row.description,
                tags[key],
                {alias: int(version) for alias, version in aliases[key].items()},
                last_version=newest.get(key, 0),
            )

    def _registered_pairs(self, tx: Connection, table: str, key: str, value: str) -> Pairs:
        if table not in self._tables:
            return defaultdict(dict)
        rows = tx.execute(self._select(table, "name", key, value, workspace=DEFAULT_WORKSPACE))
        return _pairs(((workspace, name), each, text) for name, each, text, workspace in rows)

    def _newest_versions(self, tx: Connection) -> dict[tuple[str, str], int]:
        """Return the greatest number that a version of each registered model has had, deleted ones too."""
        wanted = self._select("model_versions", "name", "version", workspace=DEFAULT_WORKSPACE).subquery()
        newest = select(wanted.c.workspace, wanted.c.name, func.max(wanted.c.version))
        rows = tx.execute(newest.group_by(wanted.c.workspace, wanted.c.name))
        return {(workspace, name): version for workspace, name, version in rows}

    def versions(self, name: str) -> Iterator[ModelVersion]:
        workspace, own_name = self._registered[name]
        with self._read() as tx:
            rows = (
                tx.execute(self._of_model("model_versions", own_name, workspace).order_by("version")).mappings().all()
            )
            tags: Pairs = defaultdict(dict)
            if "model_version_tags" in self._tables:
                tagged = tx.execute(self._of_model("model_version_tags", own_name, workspace))
                tags = _pairs((row.version, row.key, row.value) for row in tagged)
        for row in rows:
            if row["current_stage"] == records.DELETED_VERSION:
                continue
            source = records.text_of(row["source"])
            yield ModelVersion(
                name,
                row["version"],
                records.stage_of(row["current_stage"]),
                source,
                row.get("storage_location") or source,
                records.text_of(row["user_id"]),
                row["creation_time"] or 0,
                row["last_updated_time"] or row["creation_time"] or 0,
                row["description"],
                row["run_id"],
                row.get("run_link"),
                records.model_id_of(source),
                tags[row["version"]],
            )

    def _of_model(self, table: str, name: str, workspace: str) -> Select[Any]:
        column = self._tables[table].c
        this = (column.name == name, *([column.workspace == workspace] if "workspace" in column else []))
        return select(self._tables[table]).where(*this)

    def not_imported(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with self._read() as tx:
            for table in NOT_IMPORTED.keys() & self._tables.keys():
                count = tx.execute(select(func.count()).select_from(self._tables[table])).scalar_one()
                found |= {NOT_IMPORTED[table]: count} if count else {}
        return dict(sorted(found.items()))

    def _select(self, table: str, *columns: str, **later: object) -> Select[Any]:
        """Select columns of a table, those in ``later`` with their value where this revision has no such column."""
        have = self._tables[table].c
        added = [have[name] if name in have else literal(value).label(name) for name, value in later.items()]
        return select(*(have[name] for name in columns), *added).select_from(self._tables[table])


def _pairs(rows: Iterable[Any]) -> Pairs:
    """Gather rows of (owner, key, value) by owner."""
    pairs: Pairs = defaultdict(dict)
    for owner, key, value in rows:
        pairs[owner][key] = records.text_of(value)
    return pairs


def _in_workspace(name: str, workspace: str) -> str:
    """Return the name of a thing among those of all workspaces: names are unique within one."""
    return name if workspace == DEFAULT_WORKSPACE else f"{name} ({workspace})"
