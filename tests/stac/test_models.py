"""Registered models in items, as the real clients make and find them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pystac_client
import pytest
from mlflow import MlflowClient

from tests.components.accounts import Guarded
from tests.components.stac import validate_item

PATH, ITEM = "cellar/wine", "/api/stac/collections/ai-model/items/cellar-wine"
README = """---
title: Wine
license: MIT
mlm:
  name: wine
  architecture: Random Forest
  tasks: [classification]
  framework: scikit-learn
  input: []
  output: []
---
# Wine
"""


class Portable(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """A model that says what it is given."""

    def predict(self, model_input: list[str]) -> list[str]:
        """Return the input."""
        return model_input


@pytest.fixture(scope="module")
def server(guarded: Guarded) -> Guarded:
    """A server with a project of anna's in the catalog, of which gus is a guest, and stan nothing."""
    server = guarded
    for name in ("anna", "gus", "stan"):
        server.add_user(f"cellar-{name}")
    server.add_project(PATH, **{"cellar-anna": "maintainer", "cellar-gus": "guest"})
    body = {"topics": ["sharinghub:aimodel"], "readme": README}
    assert server.admin.patch(f"/p/{PATH}/api/v1/project", json=body).status_code == 200
    return server


@pytest.fixture
def client(server: Guarded, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """MLflow's client as anna uses it in the project."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", server.tokens["cellar-anna"])
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
    uri = f"{server.url}/p/{PATH}"
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield MlflowClient(uri, uri)
    mlflow.set_tracking_uri(before)


def read(server: Guarded, name: str = "cellar-anna") -> dict[str, Any]:
    """Return the item as somebody sees it; it is valid."""
    with server.client(name) as client:
        answer = client.get(ITEM)
        assert answer.status_code == 200, answer.text
    item: dict[str, Any] = answer.json()
    validate_item(item)
    return item


def models(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["title"], each["href"]) for each in item["links"] if each["rel"] == "mlflow:model"]


def test_a_model_is_in_its_projects_item_from_the_next_read_on(
    server: Guarded, client: MlflowClient, tmp_path: Path
) -> None:
    before = read(server)
    assert models(before) == []
    assert not any("mlm:artifact_type" in asset for asset in before["assets"].values())
    uri = f"{server.url}/p/{PATH}"
    [tracked] = [each["href"] for each in before["links"] if each["rel"] == "mlflow:tracking"]
    assert tracked == before["properties"]["mlflow:tracking_uri"] == uri

    with mlflow.start_run(experiment_id="0"):
        info = mlflow.pyfunc.log_model(name="model", python_model=Portable(), pip_requirements=["mlflow"])
    version = mlflow.register_model(info.model_uri, "wine").version
    client.set_registered_model_alias("wine", "champion", version)
    item = read(server)
    assert models(item) == [("wine, version 1 (champion)", f"{uri}/api/v1/models/wine/versions/1")]
    marked = [key for key, asset in item["assets"].items() if "mlm:artifact_type" in asset]
    assert marked == ["mlflow:wine/python_model.pkl"]
    assert any("/mlm/" in each for each in item["stac_extensions"])

    asset = item["assets"][marked[0]]
    content = httpx.get(asset["href"]).raise_for_status().content
    assert len(content) == asset["file:size"]
    assert asset["file:checksum"] == f"1220{hashlib.sha256(content).hexdigest()}"
    [linked] = [each for each in item["links"] if each["rel"] == "mlflow:model"]
    folder = mlflow.artifacts.download_artifacts(linked["mlflow:uri"], dst_path=str(tmp_path))
    assert Path(folder, "python_model.pkl").read_bytes() == content

    # Who may not read the files gets the ordinary URL, which asks for the right to.
    guest = read(server, "cellar-gus")["assets"][marked[0]]["href"]
    assert guest == f"{uri}/api/v1/models/wine/versions/1/artifacts/python_model.pkl"
    with server.client("cellar-gus") as gus, server.client("cellar-anna") as anna:
        assert gus.get(guest).status_code == 403
        assert anna.get(guest).content == content
    found = pystac_client.Client.open(
        f"{server.url}/api/stac", headers={"Authorization": f"Bearer {server.tokens['cellar-anna']}"}
    )
    [same] = found.search(collections=["ai-model"], ids=["cellar-wine"]).items()
    assert same.assets[marked[0]].href == guest

    client.delete_model_version("wine", version)
    after = read(server)
    assert models(after) == []
    assert after["assets"] == before["assets"]
    assert after["stac_extensions"] == before["stac_extensions"]


def test_strangers_see_neither_item_nor_models(server: Guarded) -> None:
    with server.client("cellar-stan") as stan, server.client() as nobody:
        assert stan.get(ITEM).status_code == 404
        assert nobody.get(ITEM).status_code == 401
