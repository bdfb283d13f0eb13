"""What a version may be made of: an attacker names files of others, of the server, or of other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import PROMPT_TAG, ModelVersionCreate, RegisteredModelCreate
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import ExperimentCreate, LoggedModel, Run, RunCreate

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def model(tx: Connection) -> None:
    """The registered model ``m`` with one version."""
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("m"))
    create(tx, "s3://bucket/model")


def create(tx: Connection, source: str, **fields: object) -> str:
    new = ModelVersionCreate(source, **fields)  # type: ignore[arg-type]
    return service.create_model_version(tx, LOCAL, "m", new).source


@pytest.mark.parametrize(
    "source",
    ["s3://b/x", "s3://b/x/", "s3://b//x", "S3://b/x", "gs://b/x", "dbfs:/x", "s3://b/x?version=1#z", "s3://b/100%25"],
)
def test_sources_in_a_store_are_taken(tx: Connection, source: str) -> None:
    assert create(tx, source) == source


@pytest.mark.parametrize(
    "source",
    [
        "http://h/x",
        "https://h/x",
        "HTTPS://h/x",
        "ftp://h/x",
        "hdfs://h/x",
        "mlflow-artifacts://h/1/2",
        "abfss://c@h/x",
        "file://otherhost/x",
        "http://[::1/x",
        "/etc/passwd",
        "file:///etc/passwd",
        "file:etc",
        "relative",
        "./x",
        "C:\\x",
        "s3://b",
        "s3:x",
        "s3://b/../x",
        "s3://b/a/./x",
        "s3://b/a%2f..%2f..%2fx",
        "s3://b/a/%252e%252e/x",
        "s3://b/a%00",
        "s3://b/%2500",
        "gopher:",
        "runs:/",
        "runs://h/x/y",
        "models:/",
        "models://h/m/1",
        "models:/a/b/c",
        "models:/m@",
        "models:/m@none",
        "models:/m/Gold",
        "s3://b/" + "x" * 2048,
    ],
)
def test_sources_that_are_refused(tx: Connection, source: str) -> None:
    with pytest.raises(InvalidArgument):
        create(tx, source)


@pytest.mark.parametrize("source", ["models:/m/2", "models:/none/1", "models:/m/Production", f"models:/m/{10**18}"])
def test_versions_that_are_not_there(tx: Connection, source: str) -> None:
    with pytest.raises(NotFound):
        create(tx, source)


@pytest.mark.parametrize("path", ["/../other", "/%2e%2e/other", "/..%2fother", "/%252e%252e/other", "x", "%2f..%2f.."])
def test_a_run_owns_what_is_in_its_folder_only(tx: Connection, run: Run, path: str) -> None:
    assert create(tx, f"{run.artifact_uri}/model", run_id=run.run_id)
    with pytest.raises(InvalidArgument):
        create(tx, f"{run.artifact_uri}{path}", run_id=run.run_id)


def test_a_run_owns_its_own_sources_only(tx: Connection, experiment: str, run: Run) -> None:
    other = tracking.create_run(tx, LOCAL, RunCreate(experiment))
    for source in (f"{run.artifact_uri}/model", f"runs:/{run.run_id}/model"):
        assert create(tx, source, run_id=run.run_id) == source
        for run_id in (other.run_id, None, "", "unknown"):
            with pytest.raises(InvalidArgument, match="run_id request parameter must identify"):
                create(tx, source, run_id=run_id)


def test_a_logged_model_owns_its_own_sources_only(tx: Connection, run: Run, logged_model: LoggedModel) -> None:
    for source in (f"models:/{logged_model.model_id}", f"{logged_model.artifact_uri}/x"):
        assert create(tx, source, model_id=logged_model.model_id) == source
        for fields in ({}, {"model_id": "m-none"}, {"run_id": run.run_id}):
            with pytest.raises(InvalidArgument, match="request parameter must identify"):
                create(tx, source, **fields)
    with pytest.raises(InvalidArgument, match="model_id request parameter must identify"):
        create(tx, f"runs:/{run.run_id}/model", run_id=run.run_id, model_id=logged_model.model_id)
    with pytest.raises(NotFound, match="Logged model with ID 'm-none' not found"):
        create(tx, "s3://b/x", model_id="m-none")


def test_a_copy_must_name_the_origin_of_what_it_copies(tx: Connection, run: Run) -> None:
    create(tx, f"runs:/{run.run_id}/model", run_id=run.run_id)
    assert create(tx, "models:/m/2", run_id=run.run_id) == "models:/m/2"
    for fields in ({"run_id": "other"}, {"run_id": ""}, {"model_id": "m-other"}):
        with pytest.raises(InvalidArgument, match="must match the referenced model version"):
            create(tx, "models:/m/2", **fields)


def test_local_folders_of_a_run(tx: Connection, tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir()
    new = ExperimentCreate("local", f"file://{root}")
    local = tracking.create_experiment(tx, LOCAL, new).experiment_id
    run = tracking.create_run(tx, LOCAL, RunCreate(local))
    folder = Path(run.artifact_uri.removeprefix("file://"))
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("/etc")
    assert create(tx, f"{folder}/model", run_id=run.run_id)
    assert create(tx, f"file://{folder}/model", run_id=run.run_id)
    for path in (f"{folder}/../x", f"{folder}/link/passwd", str(root), "/etc", f"{folder}-x", f"file://{folder}/%00"):
        with pytest.raises(InvalidArgument, match="contained within the artifact directory"):
            create(tx, path, run_id=run.run_id)


def test_prompts_have_placeholders_and_are_no_source(tx: Connection) -> None:
    tags = {PROMPT_TAG: "true"}
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("p", tags=tags))
    for source in ("dummy-source", "prompt-template"):
        service.create_model_version(tx, LOCAL, "p", ModelVersionCreate(source, tags=tags))
    with pytest.raises(InvalidArgument, match="Invalid prompt source"):
        service.create_model_version(tx, LOCAL, "p", ModelVersionCreate("s3://b/x", tags=tags))
    with pytest.raises(InvalidArgument, match="Prompt versions cannot be used"):
        create(tx, "models:/p/1")
    with pytest.raises(MainspringError, match="taken by a prompt"):
        service.create_registered_model(tx, LOCAL, RegisteredModelCreate("p"))
    with pytest.raises(MainspringError, match="taken by a registered model"):
        service.create_registered_model(tx, LOCAL, RegisteredModelCreate("m", tags=tags))
