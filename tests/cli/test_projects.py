"""Projects, namespaces, members and permissions from a terminal, without accounts and with them."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

import mainspring as ms
from tests.cli.conftest import Typed
from tests.components.accounts import Guarded


@pytest.fixture
def namespace(on_server: Typed) -> str:
    """Return the name of a fresh namespace."""
    name = f"n-{uuid4().hex[:12]}"
    on_server("namespaces", "create", name, "--description", "Of a test")
    return name


def test_a_project(on_server: Typed, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Churn\n")
    path = f"{namespace}/churn"
    words = ("--visibility", "internal", "--topic", "crm", "--topic", "tabular", "--readme", tmp_path / "README.md")
    said = on_server("projects", "create", path, *words)
    assert f"/p/{path}" in said.err
    made = on_server("projects", "show", path, "--json").json
    assert (made["topics"], made["readme"], made["visibility"]) == (["crm", "tabular"], "# Churn\n", "internal")
    on_server("projects", "update", path, "--description", "Who leaves", "--topic", "crm")
    assert on_server("projects", "show", path, "--json").json["topics"] == ["crm"]
    listed = on_server("projects", "list", namespace)
    assert [line.split()[0] for line in listed.out.splitlines()] == ["PATH", path]
    assert "Who leaves" in listed.out
    on_server("projects", "archive", path)
    assert "archived" in on_server("projects", "list", namespace).out
    on_server("projects", "unarchive", path)
    on_server("projects", "move", path, f"{namespace}/leavers")
    assert on_server("--project", path, "projects", "show", "--json").json["path"] == f"{namespace}/leavers"


def test_a_deleted_project_can_be_restored(on_server: Typed, namespace: str) -> None:
    path = f"{namespace}/churn"
    on_server("projects", "create", path)
    assert "give --yes" in on_server("projects", "delete", path, code=7).err
    on_server("projects", "delete", path, "--yes")
    assert "mainspring projects create" in on_server("projects", "list", namespace).err
    assert path in on_server("projects", "list", namespace, "--deleted").out
    on_server("projects", "show", path, code=5)
    on_server("projects", "restore", path)
    assert on_server("projects", "list", namespace, "--deleted").err == "No deleted projects.\n"
    assert "move or delete them" in on_server("namespaces", "delete", namespace, "--yes", code=7).err


def test_work_in_a_project(on_server: Typed, namespace: str) -> None:
    path = f"{namespace}/churn"
    on_server("--project", path, "runs", "create", code=5)
    on_server("projects", "create", path)
    run = on_server("--project", path, "runs", "create", "--quiet").out.strip()
    on_server("--project", path, "runs", "get", run)
    on_server("runs", "get", run, code=5)


def test_without_accounts_everyone_may_do_everything(on_server: Typed) -> None:
    assert "mainspring members set NAME developer" in on_server("members", "list").err
    assert "local in default/default" in on_server("permissions", "show").out
    assert "everyone who reaches it owns it" in on_server("permissions", "why", "tracking:write").out
    assert "tracking:write" in on_server("permissions", "why", "fly", code=2).err
    assert "maintainer" in on_server("members", "set", "ann", "boss", code=2).err
    assert "--until is 'later'" in on_server("members", "set", "ann", "guest", "--until", "later", code=2).err


def test_a_readme_must_be_a_text(on_server: Typed, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    for file in ("picture", "missing"):
        said = on_server("projects", "create", f"{namespace}/x", "--readme", tmp_path / file, code=2)
        assert "cannot be read as a text" in said.err


@pytest.fixture
def team(guarded: Guarded, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of a fresh project on a server with accounts; root types, and ann and bob have accounts."""
    for name in ("ann", "bob"):
        if name not in guarded.tokens:
            guarded.add_user(name)
    monkeypatch.setenv("MAINSPRING_URL", guarded.url)
    monkeypatch.setenv("MAINSPRING_TOKEN", guarded.tokens["root"])
    path = f"n-{uuid4().hex[:12]}/churn"
    typed("projects", "create", path)
    monkeypatch.setenv("MAINSPRING_PROJECT", path)
    return path


def test_members(team: str, typed: Typed, guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    typed("members", "set", "ann", "maintainer")
    monkeypatch.setenv("MAINSPRING_TOKEN", guarded.tokens["ann"])
    typed("members", "set", "bob", "reporter", "--until", "2100-01-01")
    listed = typed("members", "list", "--json").json["items"]
    assert {each["name"]: each["role"] for each in listed} == {"ann": "maintainer", "bob": "reporter"}
    assert "2100-01-01 00:00:00" in typed("members", "list").out
    assert "cannot give" in typed("members", "set", "bob", "owner", code=4).err
    typed("members", "remove", "bob")
    assert "bob" not in typed("members", "list").out
    typed("members", "remove", "ann")
    typed("members", "list", code=5)


def test_members_of_a_namespace_and_of_groups(team: str, typed: Typed, guarded: Guarded) -> None:
    namespace, group = team.partition("/")[0], f"g-{uuid4().hex[:8]}"
    typed("groups", "create", group)
    typed("groups", "add-member", group, "bob")
    typed("members", "set", group, "developer", "--group", "--namespace", namespace)
    [member] = typed("members", "list", "--json").json["items"]
    assert (member["kind"], member["name"], member["scope"]) == ("group", group, namespace)
    told = typed("permissions", "why", "tracking:write", "--user", "bob").out
    assert "bob may do tracking:write" in told
    assert f"the group {group} is developer of {namespace}, granted by root." in told
    typed("members", "remove", group, "--group", "--namespace", namespace)
    assert "bob may NOT do tracking:write" in typed("permissions", "why", "tracking:write", "--user", "bob").out


def test_permissions(team: str, typed: Typed, guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    typed("members", "set", "bob", "reporter")
    monkeypatch.setenv("MAINSPRING_TOKEN", guarded.tokens["bob"])
    shown = typed("permissions", "show").out
    assert shown.splitlines()[0] == f"bob in {team}, as reporter"
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[2:]}
    assert rows["tracking:read"] == ["yes", "guest"]
    assert rows["artifacts:read"] == ["yes", "reporter"]
    assert rows["tracking:write"] == ["developer"]
    assert "bob is reporter" in typed("permissions", "why", "tracking:write").out
    typed("permissions", "why", "tracking:write", "--user", "ann", code=4)
    with ms.connect(guarded.url, token=guarded.tokens["bob"]) as client:
        found = client.permissions.get(project=team)
        assert (found.user, found.role) == ("bob", "reporter")
        assert client.permissions.why("tracking:write", project=team).allowed is False
    monkeypatch.delenv("MAINSPRING_PROJECT")
    assert typed("permissions", "show").out.splitlines()[0] == "bob in no project"


def test_the_first_project_of_a_user_makes_their_namespace(
    team: str, typed: Typed, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSPRING_TOKEN", guarded.tokens["ann"])
    path = f"ann/p-{uuid4().hex[:12]}"
    typed("projects", "create", path)
    namespaces = typed("namespaces", "list", "--json").json["items"]
    assert {each["name"]: each["owner"] for each in namespaces}["ann"] == "ann"
    assert path in typed("projects", "list").out
    assert team not in typed("projects", "list").out
    typed("projects", "show", code=5)
    typed("projects", "create", "bob/not-mine", code=5)
