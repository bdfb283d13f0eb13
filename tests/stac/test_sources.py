"""Items as they come from a GitLab and from projects that are at home here: valid, found, and read by their assets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pystac_client import Client

from tests.components.accounts import Guarded
from tests.components.ports import wait_until
from tests.components.stac import validate_collection, validate_item
from tests.gitlab_double.data import onnx_identity
from tests.stac.conftest import ROOTS

README = """---
title: Ice of the fjords
license: CC-BY-4.0
keywords: [ice]
extent:
  spatial: [5, 58, 20, 71]
  temporal: [2020-01-01, 2021-01-01]
---
# Ice
"""


@pytest.fixture(scope="module")
def filled(gitlab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a server whose catalog has filled itself from a GitLab, with a private project of its own."""
    settings = {"MAINSPRING_GITLAB_URL": gitlab, "MAINSPRING_GITLAB_TOKEN": "double-default-token"}
    folder = tmp_path_factory.mktemp("sources") / "data"
    with Guarded(folder, "--public-read", environment=settings) as server:
        server.add_user("bob")
        body = {"path": "north/ice", "topics": ["sharinghub:dataset"], "visibility": "private"}
        assert server.admin.post("/api/v1/projects", json=body).status_code == 201
        server.set_member("north/ice", "bob", "reporter")
        for path, content in (("README.md", README.encode()), ("ice.csv", b"day,area\n1,2\n")):
            put = server.admin.put(f"/p/north/ice/api/v1/files/{path}", content=content)
            assert put.status_code < 300, put.text
        with server.client("bob") as bob:
            wait_until(lambda: len(features(bob)) >= 7, "the catalog that fills itself", 60)
            wait_until(lambda: "Ice of the fjords" in bob.get("/api/stac/search?limit=100").text, "its own item", 60)
        yield server


def features(client: httpx.Client, query: str = "limit=100") -> list[dict[str, Any]]:
    """Return what is found."""
    found: list[dict[str, Any]] = client.get(f"/api/stac/search?{query}").json()["features"]
    return found


@pytest.mark.parametrize("root", ROOTS)
def test_all_that_a_gitlab_shows_is_valid_and_found(filled: Guarded, root: str) -> None:
    client = Client.open(f"{filled.url}{root}")
    items = [each.to_dict() for each in client.search(limit=3).items()]
    assert len(items) == len({(each["id"], each["collection"]) for each in items}) == client.search().matched()
    for item in items:
        validate_item(item)
        assert filled.url in next(link["href"] for link in item["links"] if link["rel"] == "self")
    for collection in client.get_collections():
        validate_collection(collection.to_dict(transform_hrefs=False))
    model = next(iter(client.search(ids=["eo-lab/flood-model"]).items()))
    assert model.collection_id == "ai-model"
    assert any(link.rel == "via" for link in model.links)
    large = model.assets["checkpoints/flood-unet.onnx"].to_dict()
    assert large["file:size"] == len(onnx_identity())
    assert large["file:checksum"].startswith("1220")
    assert {each.id for each in client.search(query={"mlm:framework": {"neq": "x"}}).items()} >= {model.id}


def test_a_private_project_is_for_its_members(filled: Guarded) -> None:
    with filled.client("bob") as bob, filled.client() as nobody:
        (item,) = features(bob, "ids=north/ice")
        validate_item(item)
        assert features(nobody, "ids=north/ice") == []
        assert nobody.get(f"/api/stac/collections/dataset/items/{item['id']}").status_code == 404
        alone = bob.get(f"/api/stac/collections/dataset/items/{item['id']}").json()
        validate_item(alone)
        href = next(each["href"] for each in alone["assets"].values() if "ice.csv" in each["href"])
        assert nobody.get(href).content == b"day,area\n1,2\n"
        assert nobody.get(href.partition("?")[0]).status_code in (401, 404)
