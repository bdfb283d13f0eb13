"""The audit log and webhooks of a server with accounts: who sees whose acts, refused requests included."""

from __future__ import annotations

import csv
import json
import uuid
from typing import Any

import httpx
import pytest

from tests.components.accounts import Guarded

AUDIT, MODELS, HOOKS = "/api/v1/audit", "/api/v1/models", "/api/v1/webhooks"


@pytest.fixture
def team(guarded: Guarded) -> tuple[str, str, str]:
    """Return a project's URL prefix, its maintainer and its developer."""
    word = uuid.uuid4().hex[:8]
    maintainer, developer, path = f"m-{word}", f"d-{word}", f"team-{word}/one"
    for name in (maintainer, developer):
        guarded.add_user(name)
    guarded.add_project(path, **{maintainer: "maintainer", developer: "developer"})
    return f"/p/{path}", maintainer, developer


def acts(client: httpx.Client, prefix: str, **query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{prefix}{AUDIT}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_an_act_says_who_and_by_what_credential(guarded: Guarded, team: tuple[str, str, str]) -> None:
    prefix, maintainer, developer = team
    with guarded.client(developer, **{"x-request-id": "my-request"}) as client:
        assert client.post(f"{prefix}{MODELS}", json={"name": "wine"}).status_code == 201
    with guarded.client(maintainer) as client:
        [act] = acts(client, prefix, action="registered_model.*")
    assert (act["actor"], act["actor_kind"], act["object_id"]) == (developer, "user", "wine")
    assert act["project"] == prefix.removeprefix("/p/")
    assert (act["address"], act["request_id"]) == ("127.0.0.1", "my-request")
    assert act["actor_key"]
    assert act["credential"]


def test_refused_requests_are_in_it(guarded: Guarded, team: tuple[str, str, str]) -> None:
    prefix, maintainer, developer = team
    with guarded.client(developer) as client:
        assert client.get(f"{prefix}{AUDIT}?text=secret").status_code == 403
        assert client.get(f"{prefix}{HOOKS}").status_code == 403
        assert client.get(f"{prefix}{AUDIT}/verify").status_code == 403
        assert client.get(f"{prefix}{AUDIT}/export").status_code == 403
    with guarded.client(maintainer) as client:
        refused = acts(client, prefix, allowed="false", actor=developer)
    assert len(refused) == 4
    assert {act["action"] for act in refused} == {"request.denied"}
    assert any(AUDIT in act["object_id"] for act in refused)
    assert not any("secret" in json.dumps(act) for act in refused)


def test_a_project_sees_its_own_acts(guarded: Guarded, team: tuple[str, str, str]) -> None:
    prefix, maintainer, _ = team
    with guarded.client(maintainer) as client:
        client.post(f"{prefix}{MODELS}", json={"name": "mine"})
        mine = acts(client, prefix)
        assert mine
        assert {act["project"] for act in mine} == {prefix.removeprefix("/p/")}
        lines = client.get(f"{prefix}{AUDIT}/export").text.splitlines()
        assert {json.loads(line)["seq"] for line in lines} >= {act["seq"] for act in mine}
        assert client.get(f"{prefix}{AUDIT}?scope=instance").status_code == 403
        assert client.get(f"{prefix}{AUDIT}/export?scope=instance").status_code == 403
        # Nothing is known of a project that one is not in.
        assert client.get(f"/p/nobody/knows{AUDIT}").status_code == 404
    everything = acts(guarded.admin, "", scope="instance")
    assert len({act["project"] for act in everything}) > 1
    table = guarded.admin.get(f"{AUDIT}/export?scope=instance&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.reader(table.text.splitlines()))
    assert len(rows) > len(everything)
    assert guarded.admin.get(f"{AUDIT}/verify").json()["problem"] is None


def test_webhooks_of_another_project_are_not_there(guarded: Guarded, team: tuple[str, str, str]) -> None:
    prefix, maintainer, _ = team
    new = {"name": "w", "url": "https://example.com/hook", "events": ["*"], "secret": "quicksilver"}
    with guarded.client(maintainer) as client:
        made = client.post(f"{prefix}{HOOKS}", json=new)
        assert made.status_code == 201
        assert "quicksilver" not in made.text
        private = client.post(f"{prefix}{HOOKS}", json=new | {"url": "http://169.254.169.254/latest"})
        assert private.status_code == 400
    webhook = made.json()["webhook_id"]
    # The administrator's own default project does not have it, whoever asks.
    assert guarded.admin.get(f"{HOOKS}/{webhook}").status_code == 404
    assert guarded.admin.get(f"/api/2.0/mlflow/webhooks/{webhook}").status_code == 404
    assert "quicksilver" not in guarded.log
