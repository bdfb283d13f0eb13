"""Lists of projects follow each change of access at once, in every process: what is remembered is of one state."""

from __future__ import annotations

import itertools
import time

import httpx
import pytest

from tests.components.accounts import Guarded

numbers = itertools.count()


@pytest.fixture
def group(guarded: Guarded) -> str:
    """A new namespace of root's."""
    name = f"lists{next(numbers)}"
    with guarded.admin as root:
        made = root.post("/api/v1/namespaces", json={"name": name})
        assert made.status_code == 201, made.text
    return name


@pytest.fixture
def cat(guarded: Guarded) -> str:
    """Somebody without roles."""
    if "cat" not in guarded.tokens:
        guarded.add_user("cat")
    return "cat"


def create(root: httpx.Client, path: str, **more: str) -> None:
    answer = root.post("/api/v1/projects", json={"path": path, **more})
    assert answer.status_code == 201, answer.text


def listed(guarded: Guarded, name: str, group: str, token: str | None = None) -> list[list[str]]:
    """Return the projects of a namespace that somebody lists, on some connections of their own."""
    found = []
    for _ in range(4):
        with guarded.client(None if token else name, token) as client:
            items = client.get("/api/v1/projects", params={"text": group}).json()["items"]
            found.append([each["path"] for each in items])
    return found


def set_role(root: httpx.Client, where: str, name: str, role: str, **more: object) -> None:
    """Give a role in a namespace."""
    wanted = {"kind": "user", "name": name, "role": role, **more}
    answer = root.put("/api/v1/members", params={"namespace": where}, json=wanted)
    assert answer.status_code == 200, answer.text


def test_a_role_in_a_project_comes_and_goes(guarded: Guarded, group: str, cat: str) -> None:
    path = f"{group}/one"
    with guarded.admin as root:
        create(root, path)
        assert listed(guarded, cat, group) == [[]] * 4
        guarded.set_member(path, cat, "guest")
        assert listed(guarded, cat, group) == [[path]] * 4
        root.delete(f"/p/{path}/api/v1/members", params={"kind": "user", "name": cat})
        assert listed(guarded, cat, group) == [[]] * 4


def test_a_role_holds_below_in_what_is_made_later(guarded: Guarded, group: str, cat: str) -> None:
    with guarded.admin as root:
        set_role(root, group, cat, "guest")
        assert listed(guarded, cat, group) == [[]] * 4
        create(root, f"{group}/one")
        assert listed(guarded, cat, group) == [[f"{group}/one"]] * 4
        create(root, f"{group}/below/two")
        assert listed(guarded, cat, group) == [[f"{group}/one", f"{group}/below/two"]] * 4


def test_a_project_that_is_opened_and_closed(guarded: Guarded, group: str, cat: str) -> None:
    path = f"{group}/one"
    with guarded.admin as root:
        create(root, path)
        assert listed(guarded, cat, group) == [[]] * 4
        for visibility, seen in (("internal", [path]), ("private", [])):
            assert root.patch(f"/p/{path}/api/v1/project", json={"visibility": visibility}).status_code == 200
            assert listed(guarded, cat, group) == [seen] * 4


def test_a_role_that_ends_by_itself(guarded: Guarded, group: str, cat: str) -> None:
    path = f"{group}/one"
    with guarded.admin as root:
        create(root, path)
        set_role(root, group, cat, "guest", expires_at=int((time.time() + 1.5) * 1000))
        assert listed(guarded, cat, group) == [[path]] * 4
        time.sleep(1.7)
        assert listed(guarded, cat, group) == [[]] * 4


def test_ones_own_namespace_comes_to_be(guarded: Guarded) -> None:
    guarded.add_user(name := f"own{next(numbers)}")
    with guarded.client(name) as owner:
        assert listed(guarded, name, name) == [[]] * 4
        create(owner, f"{name}/first")
        create(owner, f"{name}/below/second")
    assert listed(guarded, name, name) == [[f"{name}/first", f"{name}/below/second"]] * 4


def test_a_key_that_is_for_some_projects_lists_no_others(guarded: Guarded, group: str, cat: str) -> None:
    with guarded.admin as root:
        set_role(root, group, cat, "developer")
        for name in ("one", "two"):
            create(root, f"{group}/{name}", visibility="public")
    with guarded.browser(cat) as browser:
        made = browser.post("/api/v1/auth/keys", json={"name": "one", "projects": [f"{group}/one"]})
        assert made.status_code == 201, made.text
    assert listed(guarded, cat, group, made.json()["token"]) == [[f"{group}/one"]] * 4
    assert listed(guarded, cat, group) == [[f"{group}/one", f"{group}/two"]] * 4


def test_a_deleted_account_holds_nothing(guarded: Guarded, group: str) -> None:
    guarded.add_user(name := f"gone{next(numbers)}")
    path = f"{group}/one"
    with guarded.admin as root:
        create(root, path)
        guarded.set_member(path, name, "guest")
        assert root.delete(f"/api/v1/users/{name}").status_code == 204
        members = root.get(f"/p/{path}/api/v1/members").json()["items"]
        assert name not in {each["name"] for each in members}
