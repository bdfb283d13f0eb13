"""Documents: versions, levels, what holds where, and who may change what."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.modules.configuration import service
from mainspring.modules.configuration.schemas import Change, ChangeKind, DocumentUpdate, Environment, Rollback
from mainspring.modules.configuration.service import Level
from tests.modules.configuration.conftest import DEVELOPER, MAINTAINER, REPORTER, STRANGER

DEV, PRODUCTION = Level(Environment.DEV), Level(Environment.PRODUCTION)
PROJECT, INSTANCE = Level(), Level(instance=True)


def put(tx: Connection, level: Level, value: dict[str, Any], actor: Actor = LOCAL, **more: Any) -> int:
    with tx.begin_nested():  # as the writer does: a refused write leaves nothing
        return service.set_document(tx, actor, "train", level, DocumentUpdate(value, **more)).version


def holds(tx: Connection, environment: Environment | None = Environment.DEV, actor: Actor = REPORTER) -> dict[str, Any]:
    return service.get_effective(tx, actor, "train", environment).value


def test_versions_tell_who_when_and_why(tx: Connection) -> None:
    assert put(tx, DEV, {"lr": 0.1}, DEVELOPER, message="first") == 1
    assert put(tx, DEV, {"lr": 0.2}, MAINTAINER) == 2
    page = service.list_versions(tx, REPORTER, "train", DEV, 10, None)
    assert [(each.version, each.created_by, each.message) for each in page.items] == [
        (2, "maintainer", ""),
        (1, "developer", "first"),
    ]
    first, second = (service.get_document(tx, REPORTER, "train", DEV, version) for version in (1, 2))
    assert (first.value, second.value) == ({"lr": 0.1}, {"lr": 0.2})
    assert first.revision < second.revision
    assert first.created_at <= second.created_at


def test_the_most_particular_level_counts_key_by_key(tx: Connection) -> None:
    put(tx, INSTANCE, {"proxy": "p", "db": {"host": "i", "port": 1}, "list": [1, 2]})
    put(tx, PROJECT, {"db": {"host": "h", "pool": {"size": 1}}, "list": [3]})
    put(tx, DEV, {"db": {"pool": {"size": 2}}, "a/b~": None})
    found = service.get_effective(tx, REPORTER, "train", Environment.DEV)
    assert found.value == {
        "proxy": "p",
        "db": {"host": "h", "port": 1, "pool": {"size": 2}},
        "list": [3],
        "a/b~": None,
    }
    assert found.sources == {
        "/proxy": "instance",
        "/db/host": "project",
        "/db/port": "instance",
        "/db/pool/size": "dev",
        "/list": "project",
        "/a~1b~0": "dev",
    }
    assert holds(tx, Environment.STAGING)["db"]["pool"] == {"size": 1}
    assert holds(tx, None)["list"] == [3]


@pytest.mark.parametrize(
    ("below", "above", "value", "sources"),
    [
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}, {"/a": "dev"}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}, {"/a/b": "dev"}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}, {"/a/b": "project"}),
        ({"a": 1}, {"a": {}}, {"a": {}}, {"/a": "dev"}),
        ({"a": {}}, {"a": {"b": 1}}, {"a": {"b": 1}}, {"/a/b": "dev"}),
        ({"a": [1]}, {"a": None}, {"a": None}, {"/a": "dev"}),
    ],
)
def test_what_is_laid_over_what(
    tx: Connection, below: dict[str, Any], above: dict[str, Any], value: dict[str, Any], sources: dict[str, str]
) -> None:
    put(tx, PROJECT, below)
    put(tx, DEV, above)
    found = service.get_effective(tx, REPORTER, "train", Environment.DEV)
    assert (found.value, found.sources) == (value, sources)


def test_another_project_has_its_own(tx: Connection) -> None:
    put(tx, DEV, {"a": 1})
    put(tx, INSTANCE, {"shared": True})
    assert holds(tx, actor=STRANGER) == {"shared": True}
    for call in (service.get_document, service.delete_document):
        with pytest.raises(NotFound):
            call(tx, STRANGER, "train", DEV)
    names = [(each.name, each.instance) for each in service.list_documents(tx, STRANGER, 10, None).items]
    assert names == [("train", True)]
    with pytest.raises(NotFound):
        service.get_effective(tx, STRANGER, "other", None)


def test_who_may_write_where(tx: Connection) -> None:
    for level in (PRODUCTION, PROJECT, INSTANCE):
        with pytest.raises(PermissionDenied):
            put(tx, level, {}, DEVELOPER)
    with pytest.raises(PermissionDenied):
        put(tx, DEV, {}, REPORTER)
    with pytest.raises(PermissionDenied):
        put(tx, INSTANCE, {}, MAINTAINER)
    put(tx, DEV, {}, DEVELOPER)
    put(tx, PRODUCTION, {}, MAINTAINER)
    put(tx, PROJECT, {}, MAINTAINER)
    for change in (
        lambda: service.delete_document(tx, DEVELOPER, "train", PRODUCTION),
        lambda: service.rollback_document(tx, DEVELOPER, "train", PRODUCTION, Rollback(1)),
        lambda: service.set_schema(tx, DEVELOPER, "train", False, {}),
        lambda: service.delete_schema(tx, DEVELOPER, "train", False),
    ):
        with pytest.raises(PermissionDenied):
            change()


def test_deleted_documents_come_back(tx: Connection) -> None:
    put(tx, DEV, {"a": 1})
    service.delete_document(tx, DEVELOPER, "train", DEV, "unused")
    with pytest.raises(NotFound, match="deleted by version 2; rollback brings it back"):
        service.get_document(tx, REPORTER, "train", DEV)
    found = service.get_effective(tx, REPORTER, "train", Environment.DEV)
    assert (found.value, found.deleted) == ({}, True)
    assert [each.name for each in service.list_documents(tx, REPORTER, 10, None).items] == []
    back = service.rollback_document(tx, DEVELOPER, "train", DEV, Rollback(1))
    assert (back.version, back.value, back.message) == (3, {"a": 1}, "Rolled back to version 1")
    versions = service.list_versions(tx, REPORTER, "train", DEV, 10, None).items
    assert [(each.version, each.deleted) for each in versions] == [(3, False), (2, True), (1, False)]
    with pytest.raises(NotFound, match="that was its deletion"):
        service.rollback_document(tx, DEVELOPER, "train", DEV, Rollback(2))


def test_nobody_writes_over_what_he_has_not_seen(tx: Connection) -> None:
    put(tx, DEV, {"a": 1}, expected_version=0)
    put(tx, DEV, {"a": 2}, expected_version=1)
    for expected in (0, 1, 3):
        with pytest.raises(FailedPrecondition, match=f"at version 2, not {expected}"):
            put(tx, DEV, {"a": 3}, expected_version=expected)
    service.delete_document(tx, LOCAL, "train", DEV, expected_version=2)
    assert put(tx, DEV, {}, expected_version=0) == 4


def test_a_diff_names_the_places(tx: Connection) -> None:
    put(tx, DEV, {"a": 1, "b": {"c": [1, 2, {"d": 3}]}, "same": {"x": 1}, "flag": True})
    put(tx, DEV, {"a": 2, "b": {"c": [1, 5]}, "same": {"x": 1}, "flag": 1, "new": {}})
    found = service.diff_document(tx, REPORTER, "train", DEV, 1)
    assert (found.from_version, found.to_version) == (1, 2)
    assert found.changes == [
        Change("/a", ChangeKind.CHANGED, 1, 2),
        Change("/b/c/1", ChangeKind.CHANGED, 2, 5),
        Change("/b/c/2", ChangeKind.REMOVED, {"d": 3}),
        Change("/flag", ChangeKind.CHANGED, True, 1),
        Change("/new", ChangeKind.ADDED, after={}),
    ]
    with pytest.raises(NotFound, match="no version 9"):
        service.diff_document(tx, REPORTER, "train", DEV, 9)


def test_every_change_since_is_told_in_order(tx: Connection) -> None:
    put(tx, DEV, {"a": 1})
    seen = service.get_effective(tx, REPORTER, "train", Environment.DEV).revision
    put(tx, PROJECT, {"b": 1})
    put(tx, Level(Environment.STAGING), {"c": 1})
    put(tx, DEV, {"a": 2})
    service.delete_document(tx, LOCAL, "train", DEV)
    told = service.effective_after(tx, REPORTER, "train", Environment.DEV, seen)
    assert [each.value for each in told] == [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1}]
    assert service.effective_after(tx, REPORTER, "train", Environment.DEV, told[-1].revision) == []
    [now] = service.effective_after(tx, REPORTER, "train", Environment.DEV, 10**12)
    assert now == told[-1]


@pytest.mark.parametrize("name", ["", "a b", "a/b", ".hidden", "x" * 129, "ü"])
def test_names(tx: Connection, name: str) -> None:
    with pytest.raises(InvalidArgument, match="The name is"):
        service.set_document(tx, LOCAL, name, DEV, DocumentUpdate({}))


def test_what_is_too_much(tx: Connection) -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    for value, message in (
        ({"a": "x" * 200_000}, "at most 131072"),
        (deep, "32 levels"),
        ({"a": "\ud800"}, "cannot be kept"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            put(tx, DEV, value)
    with pytest.raises(InvalidArgument, match="'message' has 2000"):
        put(tx, DEV, {}, message="x" * 2000)
    with pytest.raises(InvalidArgument, match="hold in all environments"):
        put(tx, Level(Environment.DEV, instance=True), {})
