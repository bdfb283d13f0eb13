"""Versions: their numbers, stages, aliases, and what they know of where they come from."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    ModelFile,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionUpdate,
    RegisteredModelCreate,
    RegisteredModelUpdate,
    Stage,
)
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import LoggedModel, Run

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def model(tx: Connection) -> None:
    """The registered model ``m``."""
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("m"))


def create(tx: Connection, source: str = "s3://bucket/model", **fields: object) -> ModelVersion:
    return service.create_model_version(tx, LOCAL, "m", ModelVersionCreate(source, **fields))  # type: ignore[arg-type]


def stages(tx: Connection) -> dict[int, str]:
    numbers = range(1, 4)
    return {number: str(service.get_model_version(tx, LOCAL, "m", number).stage) for number in numbers}


def test_numbers_are_counted_and_never_given_again(tx: Connection) -> None:
    assert [create(tx).version for _ in range(3)] == [1, 2, 3]
    service.delete_model_version(tx, LOCAL, "m", 3)
    service.delete_model_version(tx, LOCAL, "m", 1)
    assert create(tx).version == 4
    with pytest.raises(NotFound, match=r"Model Version \(name=m, version=3\) not found"):
        service.get_model_version(tx, LOCAL, "m", 3)


def test_what_create_returns_is_what_is_kept(tx: Connection) -> None:
    made = create(tx, description="d", run_link="https://ci/1", tags={"b": "2", "a": "1"})
    assert made == service.get_model_version(tx, LOCAL, "m", 1)
    assert list(made.tags) == ["a", "b"]


@pytest.mark.parametrize("number", [0, -1, 2**31, 10**30])
def test_numbers_that_cannot_be(tx: Connection, number: int) -> None:
    for call in (service.get_model_version, service.get_model_version_details, service.delete_model_version):
        with pytest.raises(NotFound):
            call(tx, LOCAL, "m", number)


def test_archiving_empties_the_stage_of_others_only(tx: Connection) -> None:
    for _ in range(3):
        create(tx)
    for number, stage in ((1, "production"), (2, "STAGING")):
        service.update_model_version(tx, LOCAL, "m", number, ModelVersionUpdate(stage=stage))
    moved = service.update_model_version(
        tx, LOCAL, "m", 3, ModelVersionUpdate(stage="Production", archive_existing=True)
    )
    assert moved.stage is Stage.PRODUCTION
    assert stages(tx) == {1: "Archived", 2: "Staging", 3: "Production"}
    service.update_model_version(tx, LOCAL, "m", 3, ModelVersionUpdate(stage="production", archive_existing=True))
    assert stages(tx)[3] == "Production"


def test_a_refused_transition_changes_nothing(tx: Connection) -> None:
    for _ in range(3):
        create(tx)
    for change in (ModelVersionUpdate(stage="Gold"), ModelVersionUpdate(stage="None", archive_existing=True)):
        with pytest.raises(InvalidArgument):
            service.update_model_version(tx, LOCAL, "m", 1, change)
    assert set(stages(tx).values()) == {"None"}


def test_latest_versions_are_one_a_stage(tx: Connection) -> None:
    for _ in range(4):
        create(tx)
    service.update_model_version(tx, LOCAL, "m", 2, ModelVersionUpdate(stage="Staging"))
    newest = service.get_latest_versions(tx, LOCAL, "m", [])
    assert [(version.version, version.stage) for version in newest] == [(4, Stage.NONE), (2, Stage.STAGING)]
    assert [version.version for version in service.get_latest_versions(tx, LOCAL, "m", ["staging"])] == [2]
    assert service.get_registered_model(tx, LOCAL, "m").latest_versions == newest


def test_an_alias_moves_and_goes_with_its_version(tx: Connection) -> None:
    create(tx), create(tx)
    service.set_alias(tx, LOCAL, "m", "best", 1)
    service.set_alias(tx, LOCAL, "m", "best", 2)
    assert service.get_model_version_by_alias(tx, LOCAL, "m", "best").version == 2
    assert service.get_model_version_by_alias(tx, LOCAL, "m", "Latest").version == 2
    service.delete_model_version(tx, LOCAL, "m", 2)
    assert service.get_registered_model(tx, LOCAL, "m").aliases == {}
    with pytest.raises(InvalidArgument, match="alias best not found"):
        service.get_model_version_by_alias(tx, LOCAL, "m", "best")


@pytest.mark.parametrize("alias", ["", "latest", "LATEST", "v1", "V22", "a b", "a\n", "a/b", "a" * 256])
def test_aliases_that_are_refused(tx: Connection, alias: str) -> None:
    create(tx)
    with pytest.raises(InvalidArgument):
        service.set_alias(tx, LOCAL, "m", alias, 1)


def test_a_rename_takes_everything_along(tx: Connection) -> None:
    create(tx, tags={"k": "v"})
    service.set_alias(tx, LOCAL, "m", "best", 1)
    service.update_registered_model(tx, LOCAL, "m", RegisteredModelUpdate(name="n"))
    found = service.get_model_version_by_alias(tx, LOCAL, "n", "best")
    assert (found.name, found.tags, found.aliases) == ("n", {"k": "v"}, ["best"])
    with pytest.raises(NotFound):
        service.get_model_version(tx, LOCAL, "m", 1)


def test_a_deleted_model_starts_again_at_one(tx: Connection) -> None:
    create(tx, tags={"k": "v"})
    service.set_alias(tx, LOCAL, "m", "best", 1)
    service.set_registered_model_tag(tx, LOCAL, "m", "k", "v")
    service.delete_registered_model(tx, LOCAL, "m")
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("m"))
    fresh = service.get_registered_model(tx, LOCAL, "m")
    assert (fresh.tags, fresh.aliases, fresh.latest_versions) == ({}, {}, [])
    assert create(tx).version == 1


def test_params_and_metrics_are_the_runs_and_stay_current(tx: Connection, run: Run) -> None:
    create(tx, f"runs:/{run.run_id}/model", run_id=run.run_id)
    details = service.get_model_version_details(tx, LOCAL, "m", 1)
    assert (details.params, details.metrics) == ({"lr": "0.1"}, {"loss": 0.5, "odd": "NaN"})
    tracking.delete_run(tx, LOCAL, run.run_id)
    assert service.get_model_version_details(tx, LOCAL, "m", 1) == details


def test_a_version_remembers_a_logged_model_that_is_gone(tx: Connection, run: Run, logged_model: LoggedModel) -> None:
    create(tx, f"models:/{logged_model.model_id}", model_id=logged_model.model_id)
    details = service.get_model_version_details(tx, LOCAL, "m", 1)
    assert (details.model_id, details.run_id) == (logged_model.model_id, run.run_id)
    assert details.params == {"lr": "0.1", "depth": "3"}
    assert details.storage_location == logged_model.artifact_uri
    tracking.delete_logged_model(tx, LOCAL, logged_model.model_id)
    assert service.get_model_version_details(tx, LOCAL, "m", 1) == details


def test_a_logged_model_lists_its_versions(tx: Connection, logged_model: LoggedModel) -> None:
    tracking.set_logged_model_tags(tx, LOCAL, logged_model.model_id, {"mlflow.modelVersions": "not JSON"})
    for _ in range(2):
        create(tx, f"models:/{logged_model.model_id}", model_id=logged_model.model_id)
    tags = tracking.get_logged_model(tx, LOCAL, logged_model.model_id).tags
    assert json.loads(tags["mlflow.modelVersions"]) == [{"name": "m", "version": 1}, {"name": "m", "version": 2}]


def test_a_copy_has_the_same_origin(tx: Connection, logged_model: LoggedModel) -> None:
    create(tx, f"models:/{logged_model.model_id}", model_id=logged_model.model_id)
    service.set_alias(tx, LOCAL, "m", "best", 1)
    copy = create(tx, "models:/m@best")
    assert copy.source == "models:/m/1"
    assert (copy.run_id, copy.model_id) == (logged_model.source_run_id, logged_model.model_id)
    assert copy.storage_location == logged_model.artifact_uri


def test_the_folder_behind_a_runs_uri(tx: Connection, run: Run) -> None:
    create(tx, f"runs:/{run.run_id}/a/b", run_id=run.run_id)
    assert service.get_download_uri(tx, LOCAL, "m", 1) == f"runs:/{run.run_id}/a/b"
    assert service.get_files_uri(tx, LOCAL, "m", 1) == f"{run.artifact_uri}/a/b"


def test_a_model_file_is_kept(tx: Connection) -> None:
    create(tx)
    assert service.get_model_version_details(tx, LOCAL, "m", 1).model_file is None
    file = ModelFile({"sklearn": {"sklearn_version": "1.5"}}, {"inputs": "[]"})
    service.record_model_file(tx, LOCAL, "m", 1, file)
    assert service.get_model_version_details(tx, LOCAL, "m", 1).model_file == file


def test_permissions(tx: Connection, run: Run) -> None:
    reader = Actor("reader", frozenset({Permission.REGISTRY_READ}))
    create(tx, run_id=run.run_id)
    with pytest.raises(Unauthenticated):
        service.get_model_version(tx, NOBODY, "m", 1)
    with pytest.raises(PermissionDenied):
        service.create_model_version(tx, reader, "m", ModelVersionCreate("s3://b/p"))
    with pytest.raises(PermissionDenied):
        service.delete_registered_model(tx, reader, "m")
    assert service.get_model_version(tx, reader, "m", 1).version == 1


@pytest.mark.parametrize(
    "fields",
    [{"tags": {"k$": "v"}}, {"tags": {"k": "v" * 100_001}}, {"description": "a\0b"}, {"run_id": "r" * 33}],
)
def test_a_refused_version_takes_no_number(tx: Connection, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        create(tx, **fields)
    assert create(tx).version == 1
