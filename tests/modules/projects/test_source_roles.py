"""Roles that come from where a project is kept: what they open, until when, and what is told of them."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, select, update

from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission as P
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import service, store
from mainspring.modules.projects.schemas import HolderKind, MemberSet, NamespaceCreate, ProjectCreate, RoleName
from mainspring.modules.projects.service import Place
from mainspring.modules.projects.store import SourceAccount
from mainspring.modules.projects.tables import projects, source_accounts, sources
from tests.modules.projects.conftest import Enter

NAME = "gitlab:https://gitlab.example.org"


@pytest.fixture
def source(tx: Connection) -> int:
    """The key of a source."""
    made = insert(sources).values(name=NAME, kind="gitlab", position="{}", failure="").returning(sources.c.id)
    return int(tx.execute(made).scalar_one())


@pytest.fixture
def keys(tx: Connection, enter: Enter, source: int) -> dict[str, int]:
    """Projects of that source: one private, one internal, one public."""
    found = {}
    for visibility in ("private", "internal", "public"):
        path = f"lab/{visibility}"
        service.create_project(tx, enter("root"), ProjectCreate(path))
        key = tx.execute(select(projects.c.id).where(projects.c.name == visibility)).scalar_one()
        tx.execute(update(projects).where(projects.c.id == key).values(source=source, visibility=visibility))
        found[visibility] = key
    return found


def know(
    tx: Connection, source: int, name: str, levels: dict[int, int], *, inside: bool = True, lasts_ms: int = 60_000
) -> None:
    """Let the source know an account."""
    user = identity.find_holder(tx, "user", name)
    store.set_source_account(tx, SourceAccount(source, user, inside, now_ms(), now_ms() + lasts_ms, None))
    store.set_levels(tx, source, user, store.levels_of(tx, source, user), levels)


def seen(tx: Connection, actor: Actor) -> list[str]:
    """Return the names of the source's projects that are listed, and check the other ways to ask."""
    listed = [each.path for each in service.search_projects(tx, actor).items if each.path.startswith("lab/")]
    keys = set(tx.execute(service.visible_projects(tx, actor)).scalars())
    paths = service.paths_of(tx, keys)
    assert sorted(path for path in paths.values() if path.startswith("lab/")) == listed
    for name in ("private", "internal", "public"):
        try:
            service.acting_in(tx, actor, Place(f"lab/{name}"))
        except NotFound:
            assert f"lab/{name}" not in listed
        else:
            assert f"lab/{name}" in listed
    return [path.removeprefix("lab/") for path in listed]


@pytest.mark.parametrize(
    ("level", "role"),
    [
        (0, None),
        (5, None),
        (10, RoleName.GUEST),
        (15, RoleName.GUEST),
        (20, RoleName.REPORTER),
        (30, RoleName.DEVELOPER),
        (40, RoleName.MAINTAINER),
        (50, RoleName.OWNER),
    ],
)
def test_a_level_is_a_role(
    tx: Connection, enter: Enter, source: int, keys: dict[str, int], level: int, role: RoleName | None
) -> None:
    know(tx, source, "ann", {keys["private"]: level})
    if role is None:
        with pytest.raises(NotFound):
            enter("ann", "lab/private")
        assert "private" not in seen(tx, enter("ann"))
        return
    assert service.get_permissions(tx, enter("ann", "lab/private")).role is role
    assert enter("ann", "lab/private").may(P.ARTIFACTS_READ) is (level >= 20)
    assert "private" in seen(tx, enter("ann"))


def test_who_sees_what(tx: Connection, enter: Enter, source: int, keys: dict[str, int]) -> None:
    know(tx, source, "ann", {keys["private"]: 20})
    know(tx, source, "bob", {}, inside=False)
    assert seen(tx, enter("root")) == ["internal", "private", "public"]
    assert seen(tx, enter("ann")) == ["internal", "private", "public"]
    assert seen(tx, enter("bob")) == ["public"]
    assert seen(tx, enter("eve")) == ["public"]
    assert seen(tx, enter(None, public_read=True)) == ["public"]
    assert tx.execute(service.visible_projects(tx, enter(None))).all() == []


def test_what_was_said_counts_until_its_end(
    tx: Connection, enter: Enter, source: int, keys: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(tx, source, "ann", {keys["private"]: 30})
    actor = enter("ann", "lab/private")
    assert actor.until is not None
    assert actor.until <= now_ms() + 60_000
    assert enter("ann", "lab/internal").until is not None
    for module in (service.access, store.visibility):
        monkeypatch.setattr(module, "now_ms", lambda: now_ms() + 61_000)
    assert seen(tx, enter("ann")) == ["public"]


def test_roles_here_count_beside_them(tx: Connection, enter: Enter, source: int, keys: dict[str, int]) -> None:
    know(tx, source, "ann", {keys["private"]: 10}, inside=False)
    service.set_member(
        tx, enter("root", "lab/private"), MemberSet(HolderKind.USER, "ann", RoleName.MAINTAINER, now_ms() + 90_000)
    )
    assert enter("ann", "lab/private").may(P.MEMBERS_MANAGE)
    tx.execute(update(source_accounts).values(good_until=0))
    assert enter("ann", "lab/private").may(P.MEMBERS_MANAGE)
    assert seen(tx, enter("ann")) == ["private", "public"]


def test_a_namespace_of_that_name_opens_nothing(
    tx: Connection, enter: Enter, source: int, keys: dict[str, int]
) -> None:
    """Anyone may have made a namespace that a group elsewhere is called like."""
    service.create_namespace(tx, enter("ann"), NamespaceCreate("team"))
    namespace = store.find_namespace(tx, "team")
    assert namespace is not None
    tx.execute(update(projects).where(projects.c.id == keys["private"]).values(namespace=namespace.key))
    with pytest.raises(NotFound):
        enter("ann", "team/private")
    assert not any(each.path == "team/private" for each in service.search_projects(tx, enter("ann")).items)


def test_members_and_reasons_tell_of_it(tx: Connection, enter: Enter, source: int, keys: dict[str, int]) -> None:
    know(tx, source, "ann", {keys["private"]: 15})
    root = enter("root", "lab/private")
    [member] = [each for each in service.list_members(tx, root) if each.name == "ann"]
    assert (member.role, member.source, member.created_by) == (RoleName.GUEST, NAME, NAME)
    told = service.explain(tx, root, "ann", P.TRACKING_READ)
    assert told.allowed
    [reason] = [each for each in told.reasons if each.source == "gitlab"]
    assert (reason.allows, reason.role) == (True, RoleName.GUEST)
    assert "level 15 at https://gitlab.example.org" in reason.detail
    with pytest.raises(NotFound):
        service.remove_member(tx, root, HolderKind.USER, "ann")
    tx.execute(update(source_accounts).values(good_until=0))
    assert [each for each in service.list_members(tx, root) if each.name == "ann"] == []
    told = service.explain(tx, root, "ann", P.TRACKING_READ)
    assert not told.allowed
    assert [each.allows for each in told.reasons if each.source == "gitlab"] == [False]


def test_levels_are_replaced(tx: Connection, enter: Enter, source: int, keys: dict[str, int]) -> None:
    know(tx, source, "ann", {keys["private"]: 30, keys["public"]: 10})
    know(tx, source, "ann", {keys["public"]: 40, keys["internal"]: 5})
    user = identity.find_holder(tx, "user", "ann")
    assert store.levels_of(tx, source, user) == {keys["public"]: 40, keys["internal"]: 5}
