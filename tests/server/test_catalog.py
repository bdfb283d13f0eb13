"""A server that is told of a GitLab and nothing else: its catalog fills by itself, and follows webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import mainspring as ms
from mainspring.kit.errors import InvalidArgument, NotFound
from tests.components.gitlab import double_of_gitlab
from tests.components.ports import wait_until
from tests.components.server import MainspringServer

SECRET = "a-secret-of-webhooks"
EVENTS = "/api/v1/sources/gitlab/events"
ITEMS = 9


@pytest.fixture(scope="module")
def own_gitlab() -> Iterator[str]:
    """Yield the address of a double of GitLab that these tests change."""
    yield from double_of_gitlab()


@pytest.fixture(scope="module")
def filled(own_gitlab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """Yield a server whose catalog has come to be."""
    environment = {
        "MAINSPRING_GITLAB_URL": own_gitlab,
        "MAINSPRING_GITLAB_TOKEN": "double-root",
        "MAINSPRING_GITLAB_WEBHOOK_SECRET": SECRET,
    }
    with MainspringServer(tmp_path_factory.mktemp("filled") / "data", environment=environment) as server:
        with ms.connect(server.url) as client:
            wait_until(lambda: len(found(client)) == ITEMS and not waiting(client), "the catalog to fill", 30)
        yield server


@pytest.fixture
def client(filled: MainspringServer) -> Iterator[ms.Client]:
    with ms.connect(filled.url) as client:
        yield client


def found(client: ms.Client, **wanted: Any) -> list[dict[str, Any]]:
    return list(client.catalog.search(page_size=4, **wanted))


def waiting(client: ms.Client) -> bool:
    return any(source.waiting or source.state == "new" for source in client.catalog.sources())


def send(server: MainspringServer, body: object, token: str | None = SECRET) -> httpx.Response:
    headers = {"content-type": "application/json"} | ({} if token is None else {"X-Gitlab-Token": token})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{server.url}{EVENTS}", content=content, headers=headers)


def test_the_catalog_has_filled_by_itself(client: ms.Client, own_gitlab: str) -> None:
    items = found(client)
    assert len({(item["collection"], item["id"]) for item in items}) == ITEMS
    [source] = client.catalog.sources()
    assert (source.name, source.state, source.projects, source.failure) == (f"gitlab:{own_gitlab}", "current", 8, "")
    assert client.catalog.get("ai-model", "eo-lab/flood-model")["id"] == "eo-lab-flood-model"
    assert "double-root" not in json.dumps(items)
    warned = {item.project: item.warnings for item in client.catalog.warnings()}
    assert "eo-lab/broken-metadata" in warned
    [only] = client.catalog.warnings(project="EO-lab/broken-metadata", page_size=1)
    assert only.warnings == warned["eo-lab/broken-metadata"]


def test_a_hostile_readme_is_served_safe(client: ms.Client) -> None:
    readme = client.catalog.readme("eo-lab/broken-metadata")
    assert "Broken metadata" in readme.html
    assert "&lt;script&gt;" in readme.html
    assert "<script" not in readme.html
    assert "javascript:" not in readme.html
    assert "front_matter_invalid" in {warning.code for warning in readme.warnings}


def test_pictures_and_links_of_a_readme_are_downloads(client: ms.Client, filled: MainspringServer) -> None:
    html = client.catalog.readme("eo-lab/flood-model").html
    [picture] = re.findall(r'<img [^>]*src="([^"]+)"', html)
    assert picture == "/api/download/eo-lab-flood-model/docs/flood.png?ref=main"
    assert httpx.get(filled.url + picture).content.startswith(b"\x89PNG")
    assert 'href="/api/download/eo-lab-flood-model/src/train.py?ref=main"' in html


def test_a_project_without_a_category_has_no_readme_in_the_catalog(client: ms.Client) -> None:
    with pytest.raises(NotFound, match="topics of a category"):
        client.catalog.readme("default/default")


def test_a_webhook_has_its_project_read_at_once(filled: MainspringServer, client: ms.Client, own_gitlab: str) -> None:
    headers = {"PRIVATE-TOKEN": "double-root"}
    file = f"{own_gitlab}/api/v4/projects/104/repository/files/readme.md"
    change = {"branch": "main", "commit_message": "m", "content": "---\ntitle: By a webhook\n---\n"}
    assert httpx.put(file, json=change, headers=headers).status_code == 200
    push = {"object_kind": "push", "project_id": 104, "project": {"id": 104}, "ref": "refs/heads/main"}
    assert [send(filled, push).status_code for _ in range(3)] == [204] * 3

    def is_read() -> bool:
        return client.catalog.get("processor", "eo-lab-level-two-ndwi-processor")["properties"]["title"] == (
            "By a webhook"
        )

    wait_until(is_read, "the project to be read", 10)


@pytest.mark.parametrize(
    "event",
    [
        {"object_kind": "release", "project": {"id": 101}},
        {"event_name": "user_add_to_team", "project_id": 105, "user_id": 3},
        {"event_name": "user_add_to_group", "group_id": 7},
        {"event_name": "project_destroy", "project_id": 999_999},
        {},
    ],
    ids=["release", "member", "group", "unknown", "nothing"],
)
def test_other_events_do_no_harm(filled: MainspringServer, client: ms.Client, event: dict[str, Any]) -> None:
    assert send(filled, event).status_code == 204
    wait_until(lambda: not waiting(client), "it to be read", 10)
    assert len(found(client)) == ITEMS


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [
        ({"project_id": 101}, None, 403),
        ({"project_id": 101}, "", 403),
        ({"project_id": 101}, SECRET + "x", 403),
        ({"project_id": 101}, "ä", 403),
        (b"", SECRET, 400),
        (b"{", SECRET, 400),
        (b"[" * 100_000, SECRET, 400),
        (b'{"project_id": "101"}', SECRET, 400),
        ({"project_id": -1}, SECRET, 400),
        ({"project_id": 2**70}, SECRET, 400),
        (b'{"a": "' + b"x" * 3_000_000 + b'"}', SECRET, 413),
    ],
    ids=["no token", "empty", "wrong", "letters", "no body", "half", "deep", "text", "negative", "huge", "large"],
)
def test_bad_events_are_refused(filled: MainspringServer, body: object, token: str | None, status: int) -> None:
    headers = {"content-type": "application/json"} | ({} if token is None else {"X-Gitlab-Token": token.encode()})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx.post(f"{filled.url}{EVENTS}", content=content, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert SECRET not in answer.text


def test_without_a_secret_all_webhooks_are_refused(sqlite_server: MainspringServer) -> None:
    for token in (None, "", SECRET):
        answer = send(sqlite_server, {"project_id": 101}, token)
        assert answer.status_code == 403
        assert "gitlab_webhook_secret" in answer.json()["detail"]


def test_a_readme_is_checked(client: ms.Client) -> None:
    assert client.catalog.lint("# Nothing but a text\n") == []
    [warning] = client.catalog.lint("---\nlicense: [1]\n---\n")
    assert warning.field == "license"
    with pytest.raises(InvalidArgument, match="readme"):
        client.catalog.lint("x" * 1_100_000)


@pytest.fixture(scope="module")
def shared(gitlab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """Yield a server that people use with GitLab's tokens; its own token sees what is public there."""
    environment = {
        "MAINSPRING_GITLAB_URL": gitlab,
        "MAINSPRING_GITLAB_TOKEN": "double-default-token",
        "MAINSPRING_GITLAB_CLIENT_ID": "double-app",
        "MAINSPRING_GITLAB_CLIENT_SECRET": "double-app-secret",
        "MAINSPRING_AUTH": "oidc",
        "MAINSPRING_PUBLIC_READ": "true",
    }
    with MainspringServer(tmp_path_factory.mktemp("shared") / "data", environment=environment) as server:
        yield server


def test_everyone_sees_the_catalog_with_their_own_eyes(shared: MainspringServer) -> None:
    def seen(token: str | None = None) -> set[str]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{shared.url}/api/stac/search?limit=100", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        assert answer.json()["numberMatched"] == len(answer.json()["features"])
        return {item["id"] for item in answer.json()["features"]}

    def projects(token: str) -> int:
        answer = httpx.get(f"{shared.url}/api/v1/catalog/sources", headers={"Authorization": f"Bearer {token}"})
        [source] = answer.json()["items"]
        assert "failure" not in source or source["failure"] == ""
        return int(source["projects"])

    ships, wine = "eo-lab-restricted-ship-detector", "ml-samples-wine-quality"
    wait_until(lambda: len(seen()) == 6, "what is public", 30)
    public = seen()
    assert seen("double-dave") >= public
    wait_until(lambda: ships in seen("double-dave"), "what dave is a guest of", 10)
    wait_until(lambda: seen("double-eve") == public | {wine}, "what is internal, by who is no member", 10)
    assert seen() == seen("double-portal") == public
    wait_until(lambda: seen("double-bob") == public | {ships, wine}, "what bob is a member of", 10)
    assert seen("double-eve") == public | {wine}
    assert seen() == public
    assert [projects(f"double-{name}") for name in ("bob", "dave", "eve")] == [8, 8, 7]
    assert "double-bob" not in shared.log


@pytest.mark.slow
def test_a_server_that_is_killed_while_it_reads_goes_on_where_it_was(tmp_path: Path) -> None:
    with contextmanager(double_of_gitlab)() as url:
        httpx.post(f"{url}/__double__/reset", json={"bulk": 150}).raise_for_status()
        httpx.post(f"{url}/__double__/faults", json={"match": "/repository/", "latency_ms": 100}).raise_for_status()
        environment = {"MAINSPRING_GITLAB_URL": url, "MAINSPRING_GITLAB_TOKEN": "double-root"}
        server = MainspringServer(tmp_path / "data", environment=environment)
        for least in (10, 60):
            server.start()
            with ms.connect(server.url) as client:
                wait_until(lambda: len(list(client.catalog.search())) >= least, f"{least} items", 30)  # noqa: B023
            server.kill()
        httpx.request("DELETE", f"{url}/__double__/requests").raise_for_status()
        with server, ms.connect(server.url) as client:
            wait_until(lambda: len(list(client.catalog.search())) == 150 + ITEMS, "all items", 30)
            asked = httpx.get(f"{url}/__double__/requests?path=/api/v4/projects/*/repository/tree").json()
        rows = asked if isinstance(asked, list) else asked["requests"]
        trees = [row["path"] for row in rows]
        assert 0 < len(trees) == len(set(trees)) <= 150 - 60 + 16 + ITEMS  # what was read is not read again
