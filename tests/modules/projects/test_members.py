"""Members: what roles allow, who gives them, where they hold, and the why of a permission."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.permissions import ROLE_PERMISSIONS, Permission, Role
from mainspring.kit.sql import FEW_KEYS
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.identity.service import Credential
from mainspring.modules.identity.store.credentials import get_epoch
from mainspring.modules.projects import service, store
from mainspring.modules.projects.schemas import (
    HolderKind,
    MemberSet,
    NamespaceCreate,
    ProjectCreate,
    ProjectUpdate,
    RoleName,
    ScopeKind,
    Visibility,
)
from mainspring.modules.projects.service import Place
from tests.modules.projects.conftest import Enter, add_group

USER, GROUP = HolderKind.USER, HolderKind.GROUP
P = Permission


@pytest.fixture(autouse=True)
def project(tx: Connection, enter: Enter) -> None:
    """The project ``team/churn``, which ann owns."""
    service.create_namespace(tx, enter("ann"), NamespaceCreate("team"))
    service.create_project(tx, enter("ann"), ProjectCreate("team/churn"))


def give(tx: Connection, enter: Enter, name: str, role: RoleName, kind: HolderKind = USER, **more: object) -> None:
    service.set_member(tx, enter("ann", "team/churn"), MemberSet(kind, name, role, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", Role)
def test_a_role_allows_what_the_table_says(tx: Connection, enter: Enter, role: Role) -> None:
    give(tx, enter, "bob", RoleName(role.name.lower()))
    assert enter("bob", "team/churn").permissions == ROLE_PERMISSIONS[role]


def test_roles_grow() -> None:
    allowed = [ROLE_PERMISSIONS[role] for role in sorted(Role)]
    assert all(less < more for less, more in pairwise(allowed))
    assert P.ARTIFACTS_READ not in ROLE_PERMISSIONS[Role.GUEST]
    assert not any(P.INSTANCE_MANAGE in each or P.USERS_MANAGE in each or P.STORAGE_MANAGE in each for each in allowed)


def test_a_stranger_may_do_nothing_there(enter: Enter) -> None:
    with pytest.raises(NotFound):
        enter("eve", "team/churn")
    eve = enter("eve")
    assert eve.permissions == {P.SIGNED_IN, P.PROJECTS_DISCOVER}
    with pytest.raises(NotFound):
        eve.require_some(P.TRACKING_READ)
    with pytest.raises(PermissionDenied):
        eve.require_some(P.USERS_MANAGE)


def test_groups_and_namespaces_give_roles_too(tx: Connection, enter: Enter) -> None:
    add_group(tx, "lab", "bob")
    give(tx, enter, "lab", RoleName.REPORTER, GROUP)
    assert P.ARTIFACTS_READ in enter("bob", "team/churn").permissions
    service.set_member(tx, enter("ann"), MemberSet(USER, "bob", RoleName.DEVELOPER), "team")
    assert P.TRACKING_WRITE in enter("bob", "team/churn").permissions
    service.create_project(tx, enter("ann"), ProjectCreate("team/deep/down/x"))
    assert P.TRACKING_WRITE in enter("bob", "team/deep/down/x").permissions
    assert [each.path for each in service.search_projects(tx, enter("bob")).items] == ["team/churn", "team/deep/down/x"]
    service.remove_member(tx, enter("ann"), USER, "bob", "team")
    assert enter("bob", "team/churn").permissions == ROLE_PERMISSIONS[Role.REPORTER]
    with pytest.raises(NotFound):
        enter("bob", "team/deep/down/x")


def test_a_role_ends_when_its_time_is_over(tx: Connection, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    give(tx, enter, "bob", RoleName.DEVELOPER, expires_at=now_ms() + 60_000)
    assert enter("bob", "team/churn").may(P.TRACKING_WRITE)
    assert [each.path for each in service.search_projects(tx, enter("bob")).items] == ["team/churn"]
    for module in (service.access, store.visibility):
        monkeypatch.setattr(module, "now_ms", lambda: now_ms() + 61_000)
    with pytest.raises(NotFound):
        enter("bob", "team/churn")
    assert service.search_projects(tx, enter("bob")).items == []
    with pytest.raises(InvalidArgument, match="expires_at"):
        give(tx, enter, "bob", RoleName.DEVELOPER, expires_at=1)


def test_nobody_gives_more_than_they_have(tx: Connection, enter: Enter) -> None:
    give(tx, enter, "bob", RoleName.MAINTAINER)
    bob = enter("bob", "team/churn")
    service.set_member(tx, bob, MemberSet(USER, "eve", RoleName.MAINTAINER))
    for name in ("eve", "bob", "ann"):
        with pytest.raises(PermissionDenied):
            service.set_member(tx, bob, MemberSet(USER, name, RoleName.OWNER))
    give(tx, enter, "eve", RoleName.OWNER)
    with pytest.raises(PermissionDenied):
        service.set_member(tx, bob, MemberSet(USER, "eve", RoleName.GUEST))
    with pytest.raises(PermissionDenied):
        service.remove_member(tx, bob, USER, "eve")
    give(tx, enter, "bob", RoleName.DEVELOPER)
    with pytest.raises(PermissionDenied):
        service.set_member(tx, enter("bob", "team/churn"), MemberSet(USER, "eve", RoleName.GUEST))
    service.remove_member(tx, enter("bob", "team/churn"), USER, "bob")
    with pytest.raises(NotFound):
        enter("bob", "team/churn")


def test_a_shared_namespace_keeps_an_owner(tx: Connection, enter: Enter) -> None:
    with pytest.raises(FailedPrecondition, match="no owner"):
        service.remove_member(tx, enter("ann"), USER, "ann", "team")
    with pytest.raises(FailedPrecondition, match="no owner"):
        service.set_member(tx, enter("ann"), MemberSet(USER, "ann", RoleName.GUEST), "team")
    service.set_member(tx, enter("ann"), MemberSet(USER, "bob", RoleName.OWNER), "team")
    service.remove_member(tx, enter("ann"), USER, "ann", "team")
    with pytest.raises(NotFound):
        enter("ann", "team/churn")


def test_members_are_listed_with_where_they_come_from(tx: Connection, enter: Enter) -> None:
    give(tx, enter, "bob", RoleName.GUEST)
    listed = service.list_members(tx, enter("bob", "team/churn"))
    assert {(each.name, each.role, each.scope_kind, each.scope) for each in listed} == {
        ("bob", RoleName.GUEST, ScopeKind.PROJECT, "team/churn"),
        ("ann", RoleName.OWNER, ScopeKind.NAMESPACE, "team"),
    }
    with pytest.raises(NotFound):
        service.list_members(tx, enter("eve"), "team")


@pytest.mark.parametrize(("kind", "name"), [(USER, "nobody-here"), (GROUP, "ann")])
def test_a_holder_must_exist(tx: Connection, enter: Enter, kind: HolderKind, name: str) -> None:
    with pytest.raises(NotFound, match=name):
        give(tx, enter, name, RoleName.GUEST, kind)


def test_every_change_raises_the_epoch(tx: Connection, enter: Enter) -> None:
    changes = [
        lambda: give(tx, enter, "bob", RoleName.GUEST),
        lambda: service.remove_member(tx, enter("ann", "team/churn"), USER, "bob"),
        lambda: service.update_project(tx, enter("ann", "team/churn"), ProjectUpdate(visibility=Visibility.PUBLIC)),
        lambda: service.delete_project(tx, enter("ann", "team/churn")),
        lambda: service.restore_project(tx, enter("ann"), "team/churn"),
    ]
    for change in changes:
        before = get_epoch(tx)
        change()
        assert get_epoch(tx) > before


def test_the_why_of_a_permission(tx: Connection, enter: Enter) -> None:
    add_group(tx, "lab", "bob")
    give(tx, enter, "lab", RoleName.REPORTER, GROUP)
    told = service.explain(tx, enter("ann", "team/churn"), "bob", P.TRACKING_WRITE)
    assert not told.allowed
    assert [(each.source, each.allows, each.role) for each in told.reasons] == [("grant", False, RoleName.REPORTER)]
    assert told.reasons[0].detail == "the group lab is reporter of team/churn, granted by ann."
    assert service.explain(tx, enter("bob", "team/churn"), "bob", P.ARTIFACTS_READ).allowed
    with pytest.raises(PermissionDenied):
        service.explain(tx, enter("bob", "team/churn"), "ann", P.TRACKING_READ)
    service.update_project(tx, enter("ann", "team/churn"), ProjectUpdate(visibility=Visibility.INTERNAL, archived=True))
    told = service.explain(tx, enter("ann", "team/churn"), "ann", P.TRACKING_WRITE)
    assert not told.allowed
    assert {each.source for each in told.reasons} == {"grant", "visibility", "archived"}
    told = service.explain(tx, enter("root", "team/churn"), "root", P.PROJECT_DELETE)
    assert told.allowed
    assert told.reasons[0].source == "administrator"


def credential(tx: Connection, name: str, **limits: object) -> Credential:
    account = identity.get_account(tx, identity.find_holder(tx, "user", name))
    assert account is not None
    whole = {"permissions": None, "projects": None, "run_id": None, "expires_at": None, "kind": "key", "key": 7}
    return Credential(account=account, **(whole | limits))  # type: ignore[arg-type]


def test_a_credential_takes_away(tx: Connection, enter: Enter) -> None:
    key = enter("ann", "team/churn").project

    def act(path: str = "team/churn", **limits: object) -> frozenset[Permission]:
        given = credential(tx, limits.pop("name", "ann"), **limits)  # type: ignore[arg-type]
        return service.enter(tx, given.account, given, Place(path), False).permissions

    assert act() == ROLE_PERMISSIONS[Role.OWNER]
    assert act(permissions=frozenset({P.TRACKING_READ, P.USERS_MANAGE})) == {P.TRACKING_READ}
    assert act(projects=frozenset({key})) == ROLE_PERMISSIONS[Role.OWNER]
    with pytest.raises(NotFound):
        act(projects=frozenset({key + 1}))
    assert act("", projects=frozenset({key})) == {P.SIGNED_IN, P.PROJECTS_DISCOVER}
    assert act(name="root", permissions=frozenset({P.TRACKING_READ})) == {P.TRACKING_READ}
    root = credential(tx, "root", projects=frozenset({key}))
    assert not service.enter(tx, root.account, root, Place("team/churn"), False).is_admin


def test_a_run_token_writes_to_its_run(tx: Connection, enter: Enter) -> None:
    give(tx, enter, "bob", RoleName.DEVELOPER)
    token = credential(tx, "bob", kind="run", run_id="f" * 32)
    actor = service.enter(tx, token.account, token, Place("team/churn"), False)
    assert actor.may(P.TRACKING_READ)
    assert actor.may(P.TRACKING_WRITE, "f" * 32)
    for permission, run_id in ((P.TRACKING_WRITE, None), (P.TRACKING_WRITE, "e" * 32), (P.REGISTRY_WRITE, "f" * 32)):
        assert not actor.may(permission, run_id)
    with pytest.raises(NotFound):
        service.create_project(tx, actor, ProjectCreate("team/other"))
    give(tx, enter, "bob", RoleName.REPORTER)
    actor = service.enter(tx, token.account, token, Place("team/churn"), False)
    assert not actor.may(P.TRACKING_WRITE, "f" * 32)


def test_the_why_tells_of_a_limited_token(tx: Connection, enter: Enter) -> None:
    limited = credential(tx, "ann", permissions=frozenset({P.TRACKING_READ, P.SIGNED_IN}))
    actor = service.enter(tx, limited.account, limited, Place("team/churn"), False)
    told = service.explain(tx, actor, "ann", P.TRACKING_WRITE)
    assert (told.allowed, [each.source for each in told.reasons]) == (False, ["grant", "credential"])
    assert service.explain(tx, actor, "ann", P.TRACKING_READ).allowed


def test_a_header_that_contradicts_the_url_tells_strangers_nothing(tx: Connection, enter: Enter) -> None:
    eve, ann = (identity.get_account(tx, identity.find_holder(tx, "user", name)) for name in ("eve", "ann"))
    place = Place("team/churn", "default")
    with pytest.raises(InvalidArgument, match="team/churn"):
        service.enter(tx, ann, None, place, False)
    with pytest.raises(NotFound) as hidden:
        service.enter(tx, eve, None, place, False)
    with pytest.raises(NotFound) as missing:
        service.enter(tx, eve, None, Place("team/never", "default"), False)
    assert hidden.value.message == missing.value.message.replace("never", "churn")


def test_the_owner_of_an_open_server_writes_to_no_archived_project(tx: Connection, enter: Enter) -> None:
    service.update_project(tx, enter("ann", "team/churn"), ProjectUpdate(archived=True))
    for owner in (service.enter_open(tx, Place("team/churn")), service.acting_in(tx, LOCAL, Place("team/churn"))):
        assert owner.may(P.TRACKING_READ)
        assert not owner.may(P.TRACKING_WRITE)
    with pytest.raises(InvalidArgument):
        service.enter_open(tx, Place("team/churn", "default"))


def test_roles_may_be_any_number(tx: Connection, enter: Enter) -> None:
    bob, count = identity.find_holder(tx, "user", "bob"), FEW_KEYS + 1
    for key in range(10**6, 10**6 + count):
        store.set_grant(tx, store.Grant("user", bob, "project", key, Role.GUEST, "root", 0, None))
    assert service.search_projects(tx, enter("bob")).items == []
    give(tx, enter, "bob", RoleName.GUEST)
    assert [each.path for each in service.search_projects(tx, enter("bob")).items] == ["team/churn"]
