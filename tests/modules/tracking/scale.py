"""Many runs at once, made by the database itself: what a search costs does not depend on how they came in."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from mainspring.modules.tracking import tables

START = 1_700_000_000_000
PRIME = 1_000_003
"""Times it and modulo another prime numbers are as good as shuffled."""

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :runs)"
SHUFFLED = "(i * 7919 % 1000003)"

RUNS = f"""
INSERT INTO runs (id, run_id, experiment, name, user_id, status, lifecycle_stage, artifact_uri, started_at, ended_at)
{NUMBERS} SELECT :first + i, 'r' || CAST(:experiment * 1000000000000 + i * 7919 % 999999937 AS TEXT), :experiment,
    'run-' || CAST(i AS TEXT), 'ann', CASE WHEN i % 10 = 0 THEN 'FAILED' ELSE 'FINISHED' END, 'active', 'a',
    {START} + i / 2 * 1000, CASE WHEN i % 5 > 0 THEN {START} + i * 1000 END FROM n
"""
METRICS = {
    "loss": f"{SHUFFLED} / 1000003.0",
    "accuracy": "i % 7 / 7.0",
    "epochs": "10.0",
}
PARAMS = {
    "lr": "'0.' || CAST(i % 5 AS TEXT)",
    "seed": f"CAST({SHUFFLED} AS TEXT)",
    "optimizer": "CASE WHEN i % 10 = 3 THEN 'sgd' ELSE 'adam' END",
}
TAGS = {"team": "'team-' || CAST(i % 20 AS TEXT)", "mlflow.runName": "'run-' || CAST(i AS TEXT)"}
RARE = "i % (:runs / 50) = 7"
"""What fifty of the runs meet, however many there are."""


def fill(tx: Connection, experiment: int, runs: int, first: int = 0) -> None:
    """Add an experiment with so many active runs, whose keys follow ``first``.

    Metrics are ``loss`` (all different), ``accuracy`` (seven values), ``epochs`` (one) and ``rare`` (of fifty runs);
    params ``lr`` (five values), ``seed`` (all different), ``optimizer`` (two); tags ``team`` (twenty),
    ``mlflow.runName`` (all different) and ``rare`` (of fifty runs). Every two runs start at the same time; a fifth has
    not ended.
    """
    logged = (tables.params, tables.tags, tables.latest_metrics)
    there = {index["name"] for table in (tables.runs, *logged) for index in inspect(tx).get_indexes(table.name)}
    indexes = [index for table in (tables.runs, *logged) for index in table.indexes if index.name in there]
    for index in indexes:
        index.drop(tx)
    chosen = {"experiment": experiment, "runs": runs, "first": first}
    tx.execute(
        text(
            "INSERT INTO experiments (id, name, artifact_location, lifecycle_stage, created_at, updated_at) "
            "VALUES (:id, :name, 'a', 'active', 0, 0)"
        ),
        {"id": experiment, "name": f"of {runs} runs"},
    )
    tx.execute(text(RUNS), chosen)
    for key, value in METRICS.items():
        _log_metric(tx, key, value, "true", chosen)
    _log_metric(tx, "rare", f"{SHUFFLED} / 1.0", RARE, chosen)
    for table, texts in (("params", PARAMS), ("tags", TAGS)):
        for key, value in texts.items():
            _log_text(tx, table, key, value, "true", chosen)
    _log_text(tx, "tags", "rare", "'yes'", RARE, chosen)
    for index in indexes:
        index.create(tx)


def _log_metric(tx: Connection, key: str, value: str, where: str, chosen: dict[str, int]) -> None:
    statement = (
        "INSERT INTO latest_metrics (run, key, value, is_nan, timestamp, step, experiment) "
        f"{NUMBERS} SELECT :first + i, '{key}', {value}, false, 0, 0, :experiment FROM n WHERE {where}"
    )
    tx.execute(text(statement), chosen)


def _log_text(tx: Connection, table: str, key: str, value: str, where: str, chosen: dict[str, int]) -> None:
    statement = (
        f"INSERT INTO {table} (run, key, value, experiment) "
        f"{NUMBERS} SELECT :first + i, '{key}', {value}, :experiment FROM n WHERE {where}"
    )
    tx.execute(text(statement), chosen)
