"""A fresh database, on SQLite and on PostgreSQL, and what a version can be made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

import mainspring.modules.registry.tables
import mainspring.modules.tracking.tables  # noqa: F401
from mainspring.kit.actors import LOCAL
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import (
    Batch,
    ExperimentCreate,
    LoggedModel,
    LoggedModelCreate,
    Metric,
    Run,
    RunCreate,
)
from tests.components.databases import engine_with_tables


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables."""
    yield from engine_with_tables(request, tmp_path_factory)


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def experiment(tx: Connection) -> str:
    """The id of an experiment."""
    return tracking.create_experiment(tx, LOCAL, ExperimentCreate("e")).experiment_id


@pytest.fixture
def run(tx: Connection, experiment: str) -> Run:
    """A run that logged a param and two metrics, one of them not a number."""
    run = tracking.create_run(tx, LOCAL, RunCreate(experiment))
    points = [Metric("loss", 0.5, 1), Metric("odd", "NaN", 1)]
    tracking.log_batch(tx, LOCAL, run.run_id, Batch(points, [("lr", "0.1")], []))
    return run


@pytest.fixture
def logged_model(tx: Connection, experiment: str, run: Run) -> LoggedModel:
    """A logged model of that run, with a param of its own."""
    new = LoggedModelCreate(experiment, "m", run.run_id, params={"depth": "3"})
    return tracking.create_logged_model(tx, LOCAL, new)
