"""Registered models in items: which are shown, of which version, with which files, and to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from mainspring.kit.actors import DEFAULT_PROJECT, LOCAL, NOBODY, Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import store as files
from mainspring.modules.artifacts.service import FileRecord
from mainspring.modules.catalog.service import add_models, linked_models
from mainspring.modules.catalog.service.models import MAX_FILES
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate, ProjectUpdate, Visibility
from mainspring.modules.projects.service import Place
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import ModelVersionCreate, ModelVersionUpdate, RegisteredModelCreate
from mainspring.modules.registry.service.links import MAX_LINKED
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import ExperimentCreate, Run, RunCreate
from tests.components.stac import validate_item

HASH = "ab" * 32
ORIGIN = "https://ml.example.org"
MLM = "https://stac-extensions.github.io/mlm/v1.5.2/schema.json"


def add_version(tx: Connection, actor: Actor = LOCAL, name: str = "wine", source: str = "s3://bucket/m") -> int:
    """Make a version, and its model where there is none."""
    try:
        service.get_registered_model(tx, actor, name)
    except NotFound:
        service.create_registered_model(tx, actor, RegisteredModelCreate(name))
    return service.create_model_version(tx, actor, name, ModelVersionCreate(source)).version


def add_files(tx: Connection, location: str, **sizes: int) -> None:
    """Note files below a location, by name and size."""
    folder = location.removeprefix("mlflow-artifacts:/")
    rows = [FileRecord(f"{folder}/{name.replace('_', '.')}", size, HASH, True, "e") for name, size in sizes.items()]
    files.upsert_files(tx, rows, now_ms())


def new_project(tx: Connection, path: str) -> Actor:
    """Make a project, and return its owner's actor there."""
    projects.create_project(tx, LOCAL, ProjectCreate(path))
    return projects.acting_in(tx, LOCAL, Place(path))


def item(*extensions: str, **assets: Any) -> dict[str, Any]:
    """Return an item as it is before its models are put in."""
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(extensions),
        "id": "team-wine",
        "geometry": None,
        "properties": {"datetime": "2026-01-01T00:00:00Z"},
        "links": [],
        "assets": assets,
    }


MODEL = {
    "mlm:name": "wine",
    "mlm:architecture": "Random Forest",
    "mlm:tasks": ["classification"],
    "mlm:framework": "scikit-learn",
    "mlm:input": [],
    "mlm:output": [],
}


def test_a_version_is_shown_from_when_it_was_made_until_it_is_deleted(tx: Connection, run: Run) -> None:
    assert linked_models(tx, LOCAL, [DEFAULT_PROJECT]) == {}
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("wine"))
    assert linked_models(tx, LOCAL, [DEFAULT_PROJECT]) == {}
    source = f"runs:/{run.run_id}/model"
    made = service.create_model_version(tx, LOCAL, "wine", ModelVersionCreate(source, run_id=run.run_id))
    add_files(tx, f"{run.artifact_uri}/model", MLmodel=5, model_pkl=70)
    [link] = linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT]
    assert (link.name, link.version, link.newest, link.aliases) == ("wine", 1, 1, ())
    assert (link.run_id, link.created_at) == (run.run_id, made.created_at)
    assert [(file.path, file.size, file.sha256, file.signed) for file in link.files] == [
        ("MLmodel", 5, HASH, ""),
        ("model.pkl", 70, HASH, ""),
    ]
    service.delete_model_version(tx, LOCAL, "wine", 1)
    assert linked_models(tx, LOCAL, [DEFAULT_PROJECT]) == {}


def test_the_version_that_is_used_is_the_one_that_is_shown(tx: Connection) -> None:
    def shown() -> tuple[int, int, tuple[str, ...]]:
        [link] = linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT]
        return link.version, link.newest, link.aliases

    for _ in range(5):
        add_version(tx)
    assert shown() == (5, 5, ())
    service.set_alias(tx, LOCAL, "wine", "tried", 4)
    assert shown() == (4, 5, ("tried",))
    service.set_alias(tx, LOCAL, "wine", "odd", 1)
    assert shown() == (4, 5, ("tried",))
    service.set_alias(tx, LOCAL, "wine", "Champion", 2)
    service.set_alias(tx, LOCAL, "wine", "best", 2)
    assert shown() == (2, 5, ("Champion", "best"))
    service.delete_alias(tx, LOCAL, "wine", "Champion")
    service.update_model_version(tx, LOCAL, "wine", 5, ModelVersionUpdate(stage="Production"))
    assert shown() == (5, 5, ())


def test_prompts_are_no_models_and_of_many_models_the_last_changed_are_shown(tx: Connection) -> None:
    prompt = {"mlflow.prompt.is_prompt": "true"}
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("prompt", tags=prompt))
    service.create_model_version(tx, LOCAL, "prompt", ModelVersionCreate("dummy-source", tags=prompt))
    for number in range(MAX_LINKED + 2):
        add_version(tx, name=f"m{number}")
    shown = linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT]
    assert [link.name for link in shown] == [f"m{number}" for number in range(MAX_LINKED + 1, 1, -1)]


def test_files_are_those_of_the_project_alone(tx: Connection, run: Run) -> None:
    other = new_project(tx, "team/other")
    own = tracking.create_run(
        tx, other, RunCreate(tracking.create_experiment(tx, other, ExperimentCreate("e")).experiment_id)
    )
    service.create_registered_model(tx, other, RegisteredModelCreate("copy"))
    # A run of another project may be named: its files are not shown here.
    source = f"runs:/{run.run_id}/model"
    service.create_model_version(tx, other, "copy", ModelVersionCreate(source, run_id=run.run_id))
    add_files(tx, f"{run.artifact_uri}/model", MLmodel=5)
    [link] = linked_models(tx, LOCAL, [other.project])[other.project]
    assert link.files == ()
    source = f"runs:/{own.run_id}/model"
    service.create_model_version(tx, other, "copy", ModelVersionCreate(source, run_id=own.run_id))
    add_files(tx, f"{own.artifact_uri}/model", MLmodel=6)
    [link] = linked_models(tx, LOCAL, [other.project, DEFAULT_PROJECT])[other.project]
    assert [file.size for file in link.files] == [6]


def test_a_model_of_many_files_shows_some(tx: Connection, logged_model: Any) -> None:
    source = f"models:/{logged_model.model_id}"
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("big"))
    service.create_model_version(tx, LOCAL, "big", ModelVersionCreate(source, model_id=logged_model.model_id))
    add_files(tx, logged_model.artifact_uri, **{f"part{number:03}": 1 for number in range(MAX_FILES + 5)})
    add_files(tx, f"{logged_model.artifact_uri}0", beside=1)
    [link] = linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT]
    assert [file.path for file in link.files] == [f"part{number:03}" for number in range(MAX_FILES)]


def test_who_may_not_read_sees_none(tx: Connection) -> None:
    private = new_project(tx, "team/private")
    add_version(tx, private)
    limits = frozenset({Permission.TRACKING_READ, Permission.PROJECT_READ})
    reader = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    assert list(linked_models(tx, LOCAL, [private.project])) == [private.project]
    assert linked_models(tx, replace(LOCAL, limits=limits), [private.project]) == {}
    assert linked_models(tx, reader, [private.project]) == {}
    projects.update_project(tx, private, ProjectUpdate(visibility=Visibility.PUBLIC))
    assert linked_models(tx, NOBODY, [private.project]) == {}
    assert list(linked_models(tx, reader, [private.project])) == [private.project]


def test_signed_urls_are_for_who_may_read_the_files(tx: Connection, run: Run) -> None:
    add_version(tx, name="wine")
    source = f"runs:/{run.run_id}/model"
    service.create_model_version(tx, LOCAL, "wine", ModelVersionCreate(source, run_id=run.run_id))
    add_files(tx, f"{run.artifact_uri}/model", MLmodel=5)
    [link] = linked_models(tx, LOCAL, [DEFAULT_PROJECT], signed=True)[DEFAULT_PROJECT]
    path = f"{run.artifact_uri}/model/MLmodel".removeprefix("mlflow-artifacts:/")
    assert link.files[0].signed.startswith(f"/api/v1/transfers/{path}?expires=")
    shown = item()
    add_models(shown, [link], ORIGIN, "default/default")
    assert shown["assets"]["mlflow:wine/MLmodel"]["href"] == f"{ORIGIN}{link.files[0].signed}"
    guest = replace(LOCAL, permissions=frozenset({Permission.PROJECT_READ, Permission.REGISTRY_READ}))
    [link] = linked_models(tx, guest, [DEFAULT_PROJECT], signed=True)[DEFAULT_PROJECT]
    assert [file.signed for file in link.files] == [""]


def test_an_item_gets_links_and_assets(tx: Connection, run: Run) -> None:
    add_version(tx)
    source = f"runs:/{run.run_id}/model"
    service.create_model_version(tx, LOCAL, "wine", ModelVersionCreate(source, run_id=run.run_id))
    service.set_alias(tx, LOCAL, "wine", "champion", 2)
    add_files(tx, f"{run.artifact_uri}/model", MLmodel=500, model_onnx=70, requirements_txt=900)
    shown = item(MLM)
    shown["properties"] |= MODEL
    add_models(shown, linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT], ORIGIN, "default/default")
    validate_item(shown)
    uri = f"{ORIGIN}/p/default/default"
    assert shown["properties"]["mlflow:tracking_uri"] == uri
    tracked, model = shown["links"]
    assert (tracked["rel"], tracked["href"]) == ("mlflow:tracking", uri)
    assert (model["rel"], model["href"]) == ("mlflow:model", f"{uri}/api/v1/models/wine/versions/2")
    assert model["title"] == "wine, version 2 (champion)"
    assert (model["mlflow:version"], model["mlflow:latest_version"]) == ("2", "2")
    assert shown["stac_extensions"] == [MLM, "https://stac-extensions.github.io/file/v2.1.0/schema.json"]
    assert shown["assets"]["mlflow:wine/model.onnx"] == {
        "href": f"{uri}/api/v1/models/wine/versions/2/artifacts/model.onnx",
        "title": "model.onnx of wine, version 2",
        "type": "application/onnx",
        "roles": ["mlm:model", "model"],
        "mlm:artifact_type": "onnx",
        "file:size": 70,
        "file:checksum": f"1220{HASH}",
        "mlflow:version": "2",
    }
    marked = [key for key, asset in shown["assets"].items() if "mlm:artifact_type" in asset]
    assert marked == ["mlflow:wine/model.onnx"]


@pytest.mark.parametrize(
    ("extensions", "assets"), [((), {}), ((MLM,), {"own": {"roles": ["mlm:model"]}})], ids=["other", "has-one"]
)
def test_only_an_mlm_item_without_a_model_gets_one(
    tx: Connection, run: Run, extensions: tuple[str, ...], assets: dict[str, Any]
) -> None:
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("wine"))
    source = f"runs:/{run.run_id}/model"
    service.create_model_version(tx, LOCAL, "wine", ModelVersionCreate(source, run_id=run.run_id))
    add_files(tx, f"{run.artifact_uri}/model", model_pkl=5)
    shown = item(*extensions, **assets)
    add_models(shown, linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT], ORIGIN, "default/default")
    assert not any("mlm:artifact_type" in asset for asset in shown["assets"].values())
    assert shown["assets"]["mlflow:wine/model.pkl"]["roles"] == ["model"]


@pytest.mark.parametrize(
    ("properties", "claimed"),
    [(MODEL, True), (MODEL | {"mlm:tasks": ["guessing"]}, False), ({"mlm:name": "wine"}, False), ({}, False)],
    ids=["whole", "wrong", "partly", "none"],
)
def test_an_item_that_lacked_the_model_alone_claims_the_extension(
    tx: Connection, run: Run, properties: dict[str, Any], claimed: bool
) -> None:
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("wine"))
    source = f"runs:/{run.run_id}/model"
    service.create_model_version(tx, LOCAL, "wine", ModelVersionCreate(source, run_id=run.run_id))
    add_files(tx, f"{run.artifact_uri}/model", MLmodel=900, model_pkl=5)
    links = linked_models(tx, LOCAL, [DEFAULT_PROJECT])[DEFAULT_PROJECT]
    for _ in range(2):
        shown = item()
        shown["properties"] |= properties
        add_models(shown, links, ORIGIN, "default/default")
        assert (MLM in shown["stac_extensions"]) is claimed
        marked = [key for key, asset in shown["assets"].items() if "mlm:artifact_type" in asset]
        assert marked == (["mlflow:wine/model.pkl"] if claimed else [])
        validate_item(shown)


def test_a_page_takes_few_queries(tx: Connection) -> None:
    keys = []
    for number in range(100):
        owner = new_project(tx, f"team/p{number}")
        add_version(tx, owner, source="s3://bucket/m")
        keys.append(owner.project)
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    event.listen(tx.engine, "before_cursor_execute", count)
    found = linked_models(tx, LOCAL, keys)
    event.remove(tx.engine, "before_cursor_execute", count)
    assert len(found) == 100
    assert asked <= 5
