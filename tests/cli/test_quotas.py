"""Quotas by the API, the SDK and MLflow's client, as somebody sees them who has reached one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import mlflow
import pytest
from mlflow.exceptions import MlflowException

import mainspring as ms
from mainspring.kit.errors import InvalidArgument, TooLarge
from tests.cli.conftest import Typed
from tests.components.server import MainspringServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server of this file's own: its projects are full."""
    with MainspringServer(tmp_path_factory.mktemp("quotas") / "data") as running:
        yield running


def test_a_full_project(server: MainspringServer) -> None:
    with ms.connect(server.url) as client:
        client.quotas.set({"runs": 2, "artifact_bytes": 1000})
        run = mlflow.MlflowClient(server.url).create_run("0").info.run_id
        client.runs.create("0")
        with pytest.raises(TooLarge, match="it may have 2"):
            client.runs.create("0")
        with pytest.raises(MlflowException, match="quota of runs is used up") as refused:
            mlflow.MlflowClient(server.url).create_run("0")
        assert refused.value.get_http_status_code() == 400
        url = f"{server.url}/api/v1/runs/{run}/artifacts"
        assert httpx.put(f"{url}/a", content=bytes(1000)).status_code == 200
        answer = httpx.put(f"{url}/b", content=bytes(1))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert httpx.get(f"{url}/b").status_code == 404
        told = {each.resource.value: (each.used, each.limit) for each in client.quotas.get()}
        assert (told["runs"], told["artifact_bytes"]) == ((2, 2), (1000, 1000))


def test_wrong_changes(server: MainspringServer) -> None:
    url = f"{server.url}/api/v1/quotas"
    for limits in ({"tapes": 1}, {"runs": -1}, {"runs": "many"}, {"runs": 1.5}, {"runs": None}, 5):
        assert httpx.patch(url, json={"limits": limits}).status_code == 400, limits
    with ms.connect(server.url) as client, pytest.raises(InvalidArgument, match="tapes"):
        client.quotas.set({"tapes": 1})


def test_the_command_line(server: MainspringServer, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_URL", server.url)
    typed("quotas", "set", "artifact_bytes=50GB", "registered_models=7", "--all")
    shown = typed("quotas", "show", "--json").json["items"]
    limits = {each["resource"]: (each["limit"], each["source"]) for each in shown}
    assert limits["registered_models"] == (7, "instance")
    typed("quotas", "set", "registered_models=unlimited", "artifact_bytes=default")
    assert "50.0 GB" in typed("quotas", "show").out
    typed("quotas", "set", "runs=5 apples", code=2)
