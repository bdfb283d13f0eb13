"""Where a model version may come from: what is accepted, what is resolved, and what must never be accepted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.registry.conftest import NewVersion
from tests.mlflow.rest import Rest

NOT_CONTAINED = (
    "Invalid model version source: '{}'. The {} request parameter must identify the resource that contains the source."
)
RELATIVE = (
    "Invalid model version source: '{}'. If supplying a source as an http, https, local file path, ftp, objectstore, "
    "or mlflow-artifacts uri, an absolute path must be provided without relative path references present. "
    "Please provide an absolute path."
)
UNKNOWN_RUN = "0" * 32


def refused(rest: Rest, model: str, **fields: Any) -> str:
    """Return the message of the 400 that this source earns; no version may have been made."""
    message = rest.post("model-versions/create", {"name": model} | fields).error(400, "INVALID_PARAMETER_VALUE")
    assert rest.get("model-versions/search", {"filter": f"name = '{model}'"}).ok() == {}
    return message


@pytest.mark.parametrize(
    "source", ["s3://bucket/path", "gs://bucket/path", "dbfs:/path", "s3://bucket/a//b", "unknown://host/path"]
)
def test_object_stores_are_taken_as_they_are(new_version: NewVersion, source: str) -> None:
    version = new_version(source=source, run_id="not a run")
    assert (version["source"], version["run_id"]) == (source, "not a run")


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "sftp", "hdfs"])
def test_schemes_that_name_a_host_are_refused(rest: Rest, model: str, scheme: str) -> None:
    message = refused(rest, model, source=f"{scheme}://host/path")
    assert f"'source' cannot use the '{scheme}' scheme:" in message


@pytest.mark.parametrize(
    "path", ["a/../b", "a/%2e%2e/b", "a/%252e%252e/b", "a/..%2fb", "a/./b", "a/%2e/b", "a/b/..", "a%00b"]
)
def test_relative_parts_are_refused_however_they_are_written(rest: Rest, model: str, path: str) -> None:
    source = f"s3://bucket/{path}"
    assert refused(rest, model, source=source) == RELATIVE.format(source)


def test_a_run_contains_what_lies_below_its_artifacts(new_version: NewVersion, run: Any) -> None:
    for source in (run["artifact_uri"], run["artifact_uri"] + "/model", run["artifact_uri"] + "/deep/model/"):
        assert new_version(source=source, run_id=run["run_id"])["source"] == source


def test_artifacts_outside_the_run_are_refused(rest: Rest, model: str, experiment: str, run: Any) -> None:
    other = rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()["run"]["info"]
    for source in ("mlflow-artifacts:/x", other["artifact_uri"] + "/model", run["artifact_uri"] + "-more/model"):
        assert refused(rest, model, source=source, run_id=run["run_id"]) == NOT_CONTAINED.format(source, "run_id")
    inside = run["artifact_uri"] + "/model"
    assert refused(rest, model, source=inside) == NOT_CONTAINED.format(inside, "run_id")
    assert refused(rest, model, source=inside, run_id=UNKNOWN_RUN) == NOT_CONTAINED.format(inside, "run_id")


@pytest.mark.parametrize("suffix", ["/../other", "/%2e%2e/other", "/..%2fother", "/%252e%252e%252fother", "/a/../../b"])
def test_artifacts_cannot_climb_out_of_the_run(rest: Rest, model: str, run: Any, suffix: str) -> None:
    source = run["artifact_uri"] + suffix
    assert refused(rest, model, source=source, run_id=run["run_id"]) == RELATIVE.format(source)


def test_a_runs_uri_needs_its_own_run(rest: Rest, model: str, run: Any) -> None:
    source = f"runs:/{run['run_id']}/model"
    assert refused(rest, model, source=source) == NOT_CONTAINED.format(source, "run_id")
    assert refused(rest, model, source=source, run_id=UNKNOWN_RUN) == NOT_CONTAINED.format(source, "run_id")
    foreign = f"runs://{run['run_id']}/model"
    assert refused(rest, model, source=foreign, run_id=run["run_id"]) == NOT_CONTAINED.format(foreign, "run_id")
    climbing = f"runs:/{run['run_id']}/../x"
    assert refused(rest, model, source=climbing, run_id=run["run_id"]) == RELATIVE.format(climbing)


def test_a_runs_uri_is_kept(new_version: NewVersion, run: Any) -> None:
    for source in (f"runs:/{run['run_id']}/model", f"runs:/{run['run_id']}"):
        version = new_version(source=source, run_id=run["run_id"])
        assert (version["source"], version["run_id"]) == (source, run["run_id"])


@pytest.mark.parametrize("source", ["/etc/passwd", "file:///etc/passwd", "./model", "model", "file:/etc", "/"])
@pytest.mark.parametrize("with_run", [False, True])
def test_local_paths_are_refused(rest: Rest, model: str, run: Any, source: str, with_run: bool) -> None:
    fields = {"run_id": run["run_id"]} if with_run else {}
    message = refused(rest, model, source=source, **fields)
    assert "Invalid model version source: '" in message
    assert "To use a local path as a model version source" in message


def test_a_logged_model_must_be_named(rest: Rest, model: str, run: Any, logged_model: Any) -> None:
    source = f"models:/{logged_model['model_id']}"
    assert refused(rest, model, source=source) == NOT_CONTAINED.format(source, "model_id")
    assert refused(rest, model, source=source, run_id=run["run_id"]) == NOT_CONTAINED.format(source, "model_id")


def test_a_logged_model_contains_its_own_artifacts(
    rest: Rest, model: str, new_version: NewVersion, run: Any, logged_model: Any
) -> None:
    outside = run["artifact_uri"] + "/model"
    fields = {"model_id": logged_model["model_id"], "run_id": run["run_id"]}
    assert refused(rest, model, source=outside, **fields) == NOT_CONTAINED.format(outside, "model_id")
    runs_uri = f"runs:/{run['run_id']}/model"
    assert refused(rest, model, source=runs_uri, **fields) == NOT_CONTAINED.format(runs_uri, "model_id")
    version = new_version(source=logged_model["artifact_uri"], model_id=logged_model["model_id"])
    assert version["source"] == logged_model["artifact_uri"]
    assert version["run_id"] == run["run_id"]


@pytest.mark.parametrize("reference", ["/1", "@champion", "/latest", "/Production"])
def test_another_version_is_resolved(rest: Rest, model: str, new_version: NewVersion, run: Any, reference: str) -> None:
    first = new_version(source=run["artifact_uri"] + "/model", run_id=run["run_id"])
    rest.post("registered-models/alias", {"name": model, "alias": "champion", "version": "1"}).ok()
    stage = {"name": model, "version": "1", "stage": "Production"}
    rest.post("model-versions/transition-stage", stage).ok()
    copy = new_version(source=f"models:/{model}{reference}")
    assert copy["source"] == f"models:/{model}/1"
    assert copy["run_id"] == run["run_id"]
    uri = rest.get("model-versions/get-download-uri", {"name": model, "version": copy["version"]}).ok()
    assert uri == {"artifact_uri": first["source"]}
    wrong = {"name": model, "source": f"models:/{model}/1", "run_id": UNKNOWN_RUN}
    message = rest.post("model-versions/create", wrong).error(400, "INVALID_PARAMETER_VALUE")
    assert (
        f"Invalid model version source: 'models:/{model}/1'. The run_id and model_id request parameters "
        "must match the referenced model version."
    ) in message


def test_versions_that_are_not_there(rest: Rest, model: str, unique: str) -> None:
    body = {"name": model, "source": f"models:/{model}/99"}
    reply = rest.post("model-versions/create", body)
    assert f"Model Version (name={model}, version=99) not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
    reply = rest.post("model-versions/create", {"name": model, "source": f"models:/{unique}-none/1"})
    assert f"Registered Model with name={unique}-none not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
    assert refused(rest, model, source=f"models:/{model}@none") == "Registered model alias none not found."
    assert refused(rest, model, source="models:/m-123") == NOT_CONTAINED.format("models:/m-123", "model_id")
