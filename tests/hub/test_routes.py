"""Paths of this dialect begin as projects are called: they leave all others of the server alone."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from mainspring.api.hub.answers import HubRouter, parts_behind
from mainspring.api.hub.routes import ROUTES
from mainspring.api.mlflow.routes import ENDPOINTS
from mainspring.api.sharinghub.routes import ROUTES as SHARINGHUB
from mainspring.api.stac.routes import ROUTES as STAC
from mainspring.kit.http import Request
from mainspring.modules.services import Services
from mainspring.server import v1
from mainspring.server.project_urls import PROJECT, take_project
from tests.hub.conftest import MODEL, Hub


def router() -> HubRouter:
    return HubRouter(cast(Services, None), cast(Any, None), ROUTES, cast(Any, None))


def others() -> list[str]:
    """Return the paths of all other routes."""
    own = [path for handler in v1.ROUTES for path in handler.paths]  # type: ignore[union-attr]
    raw = [each.path for each in (*STAC, *SHARINGHUB)]
    mlflow = [each.path if each.path.startswith("/") else f"/api/2.0/mlflow/{each.path}" for each in ENDPOINTS]
    return [*own, *raw, *mlflow, "/", "/livez", "/readyz", "/metrics", "/assets/{name}"]


@pytest.mark.parametrize("value", ["x", "models", "datasets", "resolve", "a/resolve/main/b", "resolve/main/b"])
def test_no_other_route_is_taken(value: str) -> None:
    hub = router()
    taken = [path for path in others() if hub.handles(re.sub(r"\{[^}]*\}", value, path))]
    assert taken == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/modelsx",
        "/api/whoami-v2/x",
        "/api/v1/resolve/main/x",
        "/api/resolve/main/x",
        "/p/lab/resolve/main/x",
        "/assets/a/resolve/main/x",
        "/login/resolve/main/x",
        "/lab/weights/resolve",
        "/lab/weights/resolve/",
        "/lab/weights",
        "/a/b/c/resolve/main/x",
        "//resolve/main/x",
        "/lab//resolve/main/x",
    ],
)
def test_what_is_no_address_of_the_dialect_is_left_alone(path: str) -> None:
    assert not router().handles(path)


@pytest.mark.parametrize(
    ("path", "project", "rest"),
    [
        ("/lab/weights/resolve/main/tracking/runs.csv", None, "/lab/weights/resolve/main/tracking/runs.csv"),
        ("/lab/weights/resolve/main/tracking", None, "/lab/weights/resolve/main/tracking"),
        ("/datasets/lab/resolve/main/x/tracking", None, "/datasets/lab/resolve/main/x/tracking"),
        ("/lab/weights/tracking/api/2.0/mlflow/x", "lab/weights", "/api/2.0/mlflow/x"),
        ("/lab/weights/tracking/", "lab/weights", "/"),
        ("/lab/weights/tracking", "lab/weights", "/"),
        ("/lab/resolve/tracking/api/2.0/mlflow/x", "lab/resolve", "/api/2.0/mlflow/x"),
        ("/p/lab/weights/api/models", "lab/weights", "/api/models"),
    ],
)
def test_projects_in_addresses_are_found_as_before(path: str, project: str | None, rest: str) -> None:
    scope = {"path": path, "raw_path": path.encode()}
    take_project(scope)
    assert (scope.get(PROJECT), scope["path"]) == (project, rest)


@pytest.mark.parametrize(
    ("path", "word", "parts"),
    [
        ("/a/b/resolve/main/x/y", "resolve", ["main", "x", "y"]),
        ("/a/b/resolve/feature%2Fx/y", "resolve", ["feature/x", "y"]),
        ("/a/resolve/v1/y", "resolve", ["v1", "y"]),
        ("/resolve/resolve/resolve/v1/y", "resolve", ["resolve", "v1", "y"]),
        ("/datasets/a/b/resolve/main/resolve/y", "resolve", ["main", "resolve", "y"]),
        ("/datasets/a/resolve/main/y", "resolve", ["main", "y"]),
        ("/api/models/a/b/tree/main/x%2Fy", "tree", ["main", "x/y"]),
        ("/api/models/tree/tree/main", "tree", ["main"]),
        ("/api/models/a/revision/refs%2Fx", "revision", ["refs/x"]),
    ],
)
def test_a_slash_within_a_revision_stays_in_it(path: str, word: str, parts: list[str]) -> None:
    scope = {"method": "GET", "path": path, "raw_path": path.encode(), "headers": []}
    assert parts_behind(Request(scope, cast(Any, None)), word) == parts


def test_mlflow_is_where_it_was(hub: Hub) -> None:
    with hub.server.client("bob") as client:
        for root in (f"/p/{MODEL}", f"/{MODEL}/tracking"):
            answer = client.get(f"{root}/api/2.0/mlflow/experiments/search?max_results=5")
            assert answer.status_code == 200, answer.text
        assert client.get("/health").text == "OK"
        assert "<html" in client.get("/").text
        assert client.get("/api/v1/openapi.json").status_code == 200


def test_a_method_that_is_not_offered_is_refused(hub: Hub) -> None:
    with hub.server.client("bob") as client:
        for method in ("PUT", "POST", "DELETE"):
            assert client.request(method, f"/{MODEL}/resolve/main/config.json").status_code == 405
        assert client.post("/api/repos/create", json={"name": "x"}).status_code == 404


def test_however_an_address_is_written_it_is_answered(hub: Hub) -> None:
    """What decodes to an address of the dialect, and is not written as one, is not there, or what it says."""
    with hub.server.client("bob") as client:
        for path, status in (
            (f"/api/models/{MODEL}/%74ree/main", 200),
            (f"/api/models/{MODEL.replace('/', '%2F')}/tree/main", 200),
            (f"/api/models/{MODEL}/tree%2Fmain", 404),
            (f"/api/models/{MODEL}/tree//main", 404),
            (f"/api/models/{MODEL}/tree/", 404),
            (f"/{MODEL}/resolve%2Fmain%2Fconfig.json", 404),
            (f"/{MODEL}/resolve/main%2Fconfig.json", 404),
            (f"/{MODEL}/resolve/main/", 404),
            (f"/{MODEL}/resolve/main/%2e%2e/config.json", 404),
            (f"/{MODEL}/resolve/main/weights%2Fold%2Ffirst.bin", 200),
            (f"/{MODEL}/resolve/main/a%00b", 400),
            (f"/{MODEL}/resolve/main/a%0d%0ax-evil:%20yes", 404),
            (f"/{MODEL}/resolve/%ff%fe/x", 404),
        ):
            answer = client.get(path)
            assert answer.status_code == status, (path, answer.text)
            assert "x-evil" not in answer.headers
