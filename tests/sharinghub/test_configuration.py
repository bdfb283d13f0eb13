"""What SharingHub's page asks before anything else, and whether there is a project."""

from __future__ import annotations

import httpx
import pytest

from tests.components.accounts import Guarded

PATH, SLUG = "check/me", "check-me"


@pytest.fixture(scope="module")
def server(sqlite_guarded: Guarded) -> Guarded:
    server = sqlite_guarded
    answer = server.admin.post("/api/v1/projects", json={"path": PATH, "workspace": SLUG})
    assert answer.status_code == 201, answer.text
    for name in ("ch-dev", "ch-stranger"):
        server.add_user(name)
    server.set_member(PATH, "ch-dev", "developer")
    return server


@pytest.mark.parametrize("path", ["/api/config", "/api/config/"])
def test_configuration_is_told_to_everyone(server: Guarded, path: str) -> None:
    told = httpx.get(server.url + path).json()
    assert {"ai-model", "dataset", "processor"} <= set(told["categories"])
    assert told["categories"]["dataset"]["locales"]["en"]["title"] == "Datasets"
    assert told["store"] is True
    assert "token" not in str(told).lower()
    assert "secret" not in str(told).lower()


@pytest.mark.parametrize("name", [SLUG, PATH, PATH.replace("/", "%2F")])
def test_whether_there_is_a_project(server: Guarded, name: str) -> None:
    with server.client("ch-dev") as member, server.client("ch-stranger") as stranger, server.client() as nobody:
        there = member.get(f"/api/check/{name}")
        assert (there.status_code, there.content) == (200, b"")
        told = member.get(f"/api/check/{name}?info=true").json()
        assert told == {"id": SLUG, "name": "me", "path": PATH, "access_level": 30}
        assert (stranger.get(f"/api/check/{name}").status_code, nobody.get(f"/api/check/{name}").status_code) == (
            404,
            401,
        )


@pytest.mark.parametrize("name", ["no/such", "no-such", "105", "../config", "%00", "a" * 500])
def test_there_is_none(server: Guarded, name: str) -> None:
    with server.client("ch-dev") as member:
        assert member.get(f"/api/check/{name}").status_code in (400, 404, 200 if name == "../config" else 404)
