"""A fresh database, on SQLite and on PostgreSQL, and a chain from a dataset to an item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, Engine

from mainspring.kit.actors import LOCAL, Actor
from mainspring.modules.catalog.tables import catalog_items
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate
from mainspring.modules.projects.service import Place
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import ModelVersionCreate, RegisteredModelCreate
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import (
    Dataset,
    DatasetInput,
    ExperimentCreate,
    LoggedModel,
    LoggedModelCreate,
    ModelOutput,
    Run,
    RunCreate,
    RunInputs,
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


def new_project(tx: Connection, path: str) -> Actor:
    """Make a project, and return its owner's actor there."""
    projects.create_project(tx, LOCAL, ProjectCreate(path))
    return projects.acting_in(tx, LOCAL, Place(path))


def add_item(tx: Connection, actor: Actor, slug: str, content: str = "{}", collection: str = "ai-model") -> None:
    """Put a project into the catalog."""
    columns = ("created_at", "updated_at", "start_at", "end_at", "stars", "warnings", "indexed_at")
    row = dict.fromkeys(columns, 0) | {"project": actor.project, "collection": collection, "slug": slug}
    more = {"title": slug.title(), "boxed": False, "etag": "e", "words": "", "content": content}
    tx.execute(catalog_items.insert().values(row | more))


def add_run(tx: Connection, actor: Actor, experiment: str, *sources: str) -> Run:
    """Make a run that reads a dataset of each source."""
    run = tracking.create_run(tx, actor, RunCreate(experiment, name="train"))
    inputs = [
        DatasetInput(Dataset(f"data{number}", "d1", "http", source, "{}", "{}"))
        for number, source in enumerate(sources)
    ]
    tracking.log_inputs(tx, actor, run.run_id, RunInputs(inputs, []))
    return tracking.get_run(tx, actor, run.run_id)


@dataclass(frozen=True)
class Chain:
    """A dataset that a run read, which made a logged model, of which came a version, published in an item."""

    actor: Actor
    run: Run
    model: LoggedModel

    @property
    def ids(self) -> list[str]:
        """The ids of the nodes, from the dataset to the item."""
        return [
            "dataset:data0@d1",
            f"run:{self.run.run_id}",
            f"logged_model:{self.model.model_id}",
            "model_version:wine/1",
            "item:team-wine",
        ]


@pytest.fixture
def chain(tx: Connection) -> Chain:
    """A chain in a project of its own."""
    actor = new_project(tx, "team/wine")
    experiment = tracking.create_experiment(tx, actor, ExperimentCreate("wines")).experiment_id
    run = add_run(tx, actor, experiment, "https://example.org/wine.csv")
    model = tracking.create_logged_model(tx, actor, LoggedModelCreate(experiment, "m", run.run_id))
    tracking.log_outputs(tx, actor, run.run_id, [ModelOutput(model.model_id, 0)])
    registry.create_registered_model(tx, actor, RegisteredModelCreate("wine"))
    new = ModelVersionCreate(f"models:/{model.model_id}", model_id=model.model_id)
    registry.create_model_version(tx, actor, "wine", new)
    add_item(tx, actor, "team-wine")
    return Chain(actor, run, model)
