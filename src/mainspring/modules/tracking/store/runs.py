"""SQL of runs: their rows, params, tags, inputs and outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from mainspring.kit import sql_engines
from mainspring.kit.actors import DEFAULT_PROJECT
from mainspring.kit.sql_engines import (
    chosen,
    insert_rows,
    select_pairs,
    select_rows,
    select_where_in,
    upsert_rows,
)
from mainspring.modules.tracking.schemas import (
    Dataset,
    DatasetInput,
    LifecycleStage,
    Metric,
    ModelOutput,
    Run,
    RunHeader,
    RunStatus,
)
from mainspring.modules.tracking.tables import (
    datasets,
    experiments,
    params,
    run_dataset_tags,
    run_datasets,
    run_models,
    runs,
    tags,
)

NAN: Literal["NaN"] = "NaN"
TEXT = ("run", "key", "value", "experiment")
TextRow = tuple[int, str, str, int]
"""(run, key, value, experiment): a row of ``params`` or ``tags``."""
RunRow = tuple[int, str, int, str, str, str, str, str, int | None]
_RUN = ("id", "run_id", "experiment", "name", "user_id", "status", "lifecycle_stage", "artifact_uri", "started_at")
_OWNED_RUN = (*_RUN, "project")


@dataclass(frozen=True, slots=True)
class RunKey:
    """What the write path must know of a run."""

    key: int
    run_id: str
    experiment: int
    stage: str
    project: int


def find_keys(tx: Connection, run_ids: Iterable[str]) -> dict[str, RunKey]:
    """Return the keys of the runs that exist, of whatever projects: it is for those who look at ``project``."""
    statement = "SELECT id, run_id, experiment, lifecycle_stage, project FROM runs WHERE run_id"
    return {row[1]: RunKey(*row) for row in select_where_in(tx, statement, run_ids)}


def find_own_keys(tx: Connection, project: int, run_ids: Iterable[str]) -> dict[str, RunKey]:
    """Return the keys of those runs that are the project's."""
    return {run_id: run for run_id, run in find_keys(tx, run_ids).items() if run.project == project}


def find_starts(tx: Connection, project: int, run_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return (key, start in ms) of those runs that are the project's."""
    rows = select_where_in(tx, "SELECT run_id, id, started_at, project FROM runs WHERE run_id", run_ids)
    return {run_id: (key, start) for run_id, key, start, owner in rows if owner == project}


def reserve_keys(tx: Connection, count: int, after: int = 0) -> Sequence[int]:
    """Return keys for new runs; see ``kit.sql_engines.reserve_keys``."""
    return sql_engines.reserve_keys(tx, runs, count, after)


def run_row(key: int, run: Run) -> RunRow:
    """Return the row of a new run."""
    header = (run.name, run.user_id, run.status.value, run.lifecycle_stage.value, run.artifact_uri, run.started_at)
    return (key, run.run_id, int(run.experiment_id), *header)


def insert_runs(tx: Connection, rows: Sequence[RunRow], projects: Mapping[int, int]) -> None:
    """Insert runs. Their documents are to be marked as stale, by which they get them.

    ``projects`` are the owners of runs by key, where it is another than the default project.
    """
    owned = [(*row, projects.get(row[0], DEFAULT_PROJECT)) for row in rows]
    insert_rows(tx, runs, _OWNED_RUN, owned, ignore=False)


def count_runs(tx: Connection, project: int) -> int:
    """Return how many runs a project has, deleted ones too."""
    # By experiments: their indexes are narrower than the table.
    own = select(experiments.c.id).where(experiments.c.project == project)
    return tx.execute(select(func.count()).select_from(runs).where(runs.c.experiment.in_(own))).scalar_one()


def update_run(tx: Connection, key: int, values: dict[str, Any]) -> None:
    tx.execute(update(runs).where(runs.c.id == key).values(values))


def find_run(tx: Connection, project: int, run_id: str) -> Run | None:
    own = (runs.c.run_id == run_id, runs.c.project == project)
    key = tx.execute(select(runs.c.id).where(*own)).scalar_one_or_none()
    return None if key is None else get_runs(tx, [key])[0]


def find_header(tx: Connection, project: int, run_id: str) -> RunHeader | None:
    rows = select_rows(tx, f"SELECT {_HEADER} FROM runs WHERE run_id = ? AND project = ?", (run_id, project))
    return RunHeader(*_header(rows[0])) if rows else None


_Header = tuple[str, str, str, str, RunStatus, LifecycleStage, str, int | None, int | None]
_HEADER = "id, run_id, experiment, name, user_id, status, lifecycle_stage, artifact_uri, started_at, ended_at"


def _header(row: Any) -> _Header:
    """Return the fields of a RunHeader."""
    _, run_id, experiment, name, user_id, status, stage, location, start, end = row
    return run_id, str(experiment), name, user_id, RunStatus(status), LifecycleStage(stage), location, start, end


def get_runs(tx: Connection, keys: Sequence[int]) -> list[Run]:
    """Return the runs of these keys with all that was logged to them, in this order."""
    found = load_runs(tx, keys)
    return [found[key] for key in keys if key in found]


def load_runs(tx: Connection, keys: Iterable[int]) -> dict[int, Run]:
    """Return the runs of these keys, by key, with all that was logged to them."""
    found: dict[int, Run] = {}
    for part in chosen(keys):
        found.update(_load(tx, part))
    return found


def _load(tx: Connection, keys: list[int]) -> dict[int, Run]:
    # The keys are integers of ours: written into the statement, they spare the binding of thousands.
    these = ",".join(map(str, keys))
    rows = select_rows(tx, f"SELECT {_HEADER} FROM runs WHERE id IN ({these})")
    run_params = _pairs(tx, f"SELECT run, key, value FROM params WHERE run IN ({these}) ORDER BY run, key")
    run_tags = _pairs(tx, f"SELECT run, key, value FROM tags WHERE run IN ({these}) ORDER BY run, key")
    metrics: dict[int, list[Metric]] = defaultdict(list)
    points = f"SELECT run, key, value, is_nan, timestamp, step FROM latest_metrics WHERE run IN ({these})"
    for run, key, value, is_nan, timestamp, step in select_rows(tx, f"{points} ORDER BY run, key"):
        metrics[run].append(Metric(key, NAN if is_nan else value, timestamp, step))
    inputs = _dataset_inputs(tx, these)
    model_inputs, model_outputs = _models(tx, these)
    return {
        row[0]: Run(
            *_header(row),
            run_params.get(row[0], {}),
            run_tags.get(row[0], {}),
            metrics.get(row[0], []),
            inputs.get(row[0], []),
            model_inputs.get(row[0], []),
            model_outputs.get(row[0], []),
        )
        for row in rows
    }


def _pairs(tx: Connection, statement: str) -> dict[int, dict[str, str]]:
    pairs: dict[int, dict[str, str]] = defaultdict(dict)
    for run, key, value in select_rows(tx, statement):
        pairs[run][key] = value
    return pairs


def _dataset_inputs(tx: Connection, these: str) -> dict[int, list[DatasetInput]]:
    inputs: dict[int, list[DatasetInput]] = defaultdict(list)
    rows = select_rows(
        tx,
        "SELECT i.run, i.dataset, d.name, d.digest, d.source_type, d.source, d.schema, d.profile "
        "FROM run_datasets i JOIN datasets d ON d.id = i.dataset "
        f"WHERE i.run IN ({these}) ORDER BY i.run, i.dataset",
    )
    if not rows:
        return inputs
    labels: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
    statement = f"SELECT run, dataset, key, value FROM run_dataset_tags WHERE run IN ({these}) ORDER BY run, key"
    for run, dataset, key, value in select_rows(tx, statement):
        labels[run, dataset][key] = value
    for run, dataset, *columns in rows:
        inputs[run].append(DatasetInput(Dataset(*columns), labels[run, dataset]))
    return inputs


def _models(tx: Connection, these: str) -> tuple[dict[int, list[str]], dict[int, list[ModelOutput]]]:
    inputs: dict[int, list[str]] = defaultdict(list)
    outputs: dict[int, list[ModelOutput]] = defaultdict(list)
    statement = f"SELECT run, role, model_id, step FROM run_models WHERE run IN ({these}) ORDER BY run, role, model_id"
    for run, role, model_id, step in select_rows(tx, statement):
        if role == "input":
            inputs[run].append(model_id)
        else:
            outputs[run].append(ModelOutput(model_id, step))
    return inputs, outputs


def find_params(tx: Connection, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return the stored values among the wanted (run, param) pairs."""
    rows = select_pairs(tx, "params", "run, key, value", ("run", "BIGINT"), ("key", "VARCHAR"), wanted)
    return {(run, key): value for run, key, value in rows}


def insert_params(tx: Connection, rows: Sequence[TextRow]) -> None:
    insert_rows(tx, params, TEXT, rows, ignore=False)


def set_tags(tx: Connection, rows: Sequence[TextRow]) -> None:
    """Set tags of runs; (run, key) may come once."""
    upsert_rows(tx, tags, TEXT, rows)


def find_tag(tx: Connection, key: int, name: str) -> str | None:
    return tx.execute(select(tags.c.value).where(tags.c.run == key, tags.c.key == name)).scalar_one_or_none()


def delete_tag(tx: Connection, key: int, name: str) -> bool:
    """Delete a tag and say whether there was one."""
    return tx.execute(delete(tags).where(tags.c.run == key, tags.c.key == name)).rowcount > 0


def add_datasets(tx: Connection, key: int, experiment: int, inputs: Sequence[DatasetInput]) -> None:
    """Add datasets to a run's inputs; one that is there already keeps its tags."""
    for given in inputs:
        dataset = _dataset_key(tx, experiment, given.dataset)
        known = select(run_datasets).where(run_datasets.c.run == key, run_datasets.c.dataset == dataset)
        if tx.execute(known).first():
            continue
        tx.execute(insert(run_datasets).values(run=key, dataset=dataset))
        rows = [(key, dataset, name, value) for name, value in given.tags.items()]
        insert_rows(tx, run_dataset_tags, ("run", "dataset", "key", "value"), rows, ignore=True)


def _dataset_key(tx: Connection, experiment: int, dataset: Dataset) -> int:
    same = (
        datasets.c.experiment == experiment,
        datasets.c.name == dataset.name,
        datasets.c.digest == dataset.digest,
    )
    columns = ("experiment", "name", "digest", "source_type", "source", "schema", "profile")
    row = (
        experiment,
        dataset.name,
        dataset.digest,
        dataset.source_type,
        dataset.source,
        dataset.schema,
        dataset.profile,
    )
    insert_rows(tx, datasets, columns, [row], ignore=True)
    return int(tx.execute(select(datasets.c.id).where(*same)).scalar_one())


def add_models(tx: Connection, key: int, role: str, models: Iterable[tuple[str, int]]) -> None:
    """Note logged models that a run read (``input``) or made (``output``)."""
    rows = [(key, role, model_id, step) for model_id, step in dict(models).items()]
    insert_rows(tx, run_models, ("run", "role", "model_id", "step"), rows, ignore=True)
