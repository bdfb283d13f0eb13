"""The registry of a server is the one that mlflow and the server's own page see."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from skl2onnx import to_onnx

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable, Unsupported
from model_management import ModelRegistry, create_registry
from model_management.mlmodel import model_file
from model_management.server import Server
from tests.model_management.models import classifier
from tests.model_management.writers import Thresholds

# What a model needs is not what is tested, and finding it out takes mlflow longer than the tests do.
UNINFERRED = {"pip_requirements": ["scikit-learn"]}
ROWS = np.array([[0.0, 1.0], [3.0, 0.5]])


@pytest.fixture
def registry(server_url: str, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    mlflow.set_tracking_uri(server_url)
    mlflow.set_registry_uri(server_url)
    return create_registry(server_url)


class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """A model that only mlflow loads."""

    def predict(self, context: object, model_input: list[float], params: object = None) -> list[float]:
        return [2 * value for value in model_input]


def test_mlflow_loads_what_was_saved_here(registry: ModelRegistry, name: str) -> None:
    registry.save_model(classifier(), name, "Finds wines", tags={"type": "classifier"})

    seen = MlflowClient().get_model_version(name, "1")
    loaded = mlflow.sklearn.load_model(f"models:/{name}/1")
    general = mlflow.pyfunc.load_model(f"models:/{name}/1")

    assert seen.description == "Finds wines"
    assert seen.tags["type"] == "classifier"
    assert np.array_equal(loaded.predict(ROWS), classifier().predict(ROWS))
    assert np.array_equal(general.predict(ROWS), classifier().predict(ROWS))


def test_mlflow_loads_an_onnx_model_that_was_saved_here(registry: ModelRegistry, name: str) -> None:
    graph = to_onnx(classifier(), ROWS[:1].astype(np.float32))
    registry.save_model(graph, name)

    assert mlflow.onnx.load_model(f"models:/{name}/1") == graph
    assert registry.load_model(name) == graph


@pytest.mark.parametrize("serialization_format", ["skops", "pickle", "cloudpickle"])
def test_what_mlflow_logged_is_loaded_here(registry: ModelRegistry, name: str, serialization_format: str) -> None:
    mlflow.set_experiment(name)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            classifier(),
            name="model",
            serialization_format=serialization_format,
            registered_model_name=name,
            **UNINFERRED,
        )

    loaded = registry.load_model(name)

    assert np.array_equal(loaded.predict(ROWS), classifier().predict(ROWS))  # type: ignore[attr-defined]
    assert registry.get_model(name).format == "mlflow"
    registry.delete_model(name)
    with pytest.raises(NotFound):
        registry.get_model(name)


def test_both_kinds_of_versions_count_in_one_line(registry: ModelRegistry, name: str) -> None:
    mlflow.set_experiment(name)
    registry.save_model(Thresholds([1.0]), name)
    with mlflow.start_run():
        mlflow.sklearn.log_model(classifier(), name="model", registered_model_name=name, **UNINFERRED)
    registry.save_model(Thresholds([3.0]), name)

    assert [(one.version, one.format) for one in registry.list_versions(name)] == [
        (3, "pickle"),
        (2, "mlflow"),
        (1, "pickle"),
    ]
    assert registry.load_model(name) == Thresholds([3.0])


def test_a_kind_that_only_mlflow_loads_says_so(registry: ModelRegistry, name: str) -> None:
    mlflow.set_experiment(name)
    with mlflow.start_run():
        mlflow.pyfunc.log_model(name="model", python_model=Doubled(), registered_model_name=name, **UNINFERRED)

    with pytest.raises(Unsupported, match=r"flavors python_function.*mlflow\.pyfunc\.load_model"):
        registry.load_model(name)


def test_bytes_elsewhere_than_on_the_server_are_not_fetched(registry: ModelRegistry, name: str) -> None:
    client = MlflowClient()
    client.create_registered_model(name)
    client.create_model_version(name, "s3://somebody-elses-bucket/model")

    with pytest.raises(Unsupported, match="s3://somebody-elses-bucket/model"):
        registry.load_model(name)


def test_a_deleted_version_takes_its_bytes_along(registry: ModelRegistry, server_url: str, name: str) -> None:
    registry.save_model(Thresholds([1.0]), name)
    source = MlflowClient().get_model_version_download_uri(name, "1").removeprefix("mlflow-artifacts:/")
    listing = f"{server_url}/api/2.0/mlflow-artifacts/artifacts"
    assert len(httpx.get(listing, params={"path": source}).json()["files"]) == 2

    registry.delete_model(name, 1)

    assert httpx.get(listing, params={"path": source}).json().get("files", []) == []


def test_the_server_refuses_in_its_own_words(registry: ModelRegistry, name: str) -> None:
    with pytest.raises(InvalidArgument, match="it's"):
        registry.save_model(Thresholds([1.0]), name, tags={"it's": "x"})
    assert name not in [model.name for model in registry.list_models()]


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends everyone who asks to another server, and answers nonsense below /nonsense."""

    def do_GET(self) -> None:
        if self.path.startswith("/nonsense"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")
            return
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:9/stolen")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def strange_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_redirects_are_not_followed(strange_server: str) -> None:
    with pytest.raises(Exception, match="answered 302"):
        create_registry(strange_server).list_models()


def test_an_answer_that_is_not_json_is_said(strange_server: str) -> None:
    with pytest.raises(Unavailable, match="did not answer with JSON"):
        create_registry(f"{strange_server}/nonsense").list_models()


def test_a_server_that_is_away_is_said_without_its_password() -> None:
    registry = create_registry("http://user:secret@127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"The server http://127\.0\.0\.1:9 does not answer") as raised:
        registry.list_models()
    assert "secret" not in str(raised.value)
    assert "secret" not in registry.storage.uri


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/model",
        "file:///etc",
        "/etc",
        "http://host/api/2.0/mlflow-artifacts/artifacts/1/model",
        "mlflow-artifacts://other:5000/1/model",
    ],
)
def test_only_the_named_server_is_read(uri: str) -> None:
    with pytest.raises(Unsupported, match="does not hand out itself"):
        Server("http://host:5000").path_of(uri)


@pytest.mark.parametrize("uri", ["mlflow-artifacts:/1/../2", "mlflow-artifacts:/1/%2e%2e/2", "mlflow-artifacts:/"])
def test_artifact_paths_stay_below_their_root(uri: str) -> None:
    with pytest.raises(InvalidArgument, match="Invalid artifact path"):
        Server("http://host:5000").path_of(uri)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("flavors: {sklearn: {pickled_model: ../../other.pkl}}", InvalidArgument),
        ("flavors: {sklearn: {pickled_model: /etc/passwd}}", InvalidArgument),
        ("flavors: {pytorch: {}}", Unsupported),
        ("flavors: {}", Unsupported),
        ("flavors: [1, 2]", FailedPrecondition),
        ("flavors: {sklearn: model.pkl}", FailedPrecondition),
        ("!!python/object/apply:os.system ['true']", FailedPrecondition),
        ("a: &a [*a]", FailedPrecondition),
        ("[" * 5000, FailedPrecondition),
        ("\x00", FailedPrecondition),
        ("", FailedPrecondition),
    ],
)
def test_a_hostile_description_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        model_file(text.encode())


def test_an_old_description_without_a_format_is_a_pickle(tmp_path: Path) -> None:
    assert model_file(b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n") == ("pickle", "model.pkl")
