"""The log: what is kept of an act, who may read it, and that nothing in it can be changed unnoticed."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mainspring.kit import context, events
from mainspring.kit.actors import LOCAL, Actor, ActorKind
from mainspring.kit.errors import InvalidArgument, PermissionDenied
from mainspring.kit.events import Event
from mainspring.kit.permissions import Permission
from mainspring.modules.audit import service
from mainspring.modules.audit.schemas import AuditScope, AuditSearch
from mainspring.modules.audit.service.log import _csv, _ndjson, read_forward

ANNA = Actor("anna", frozenset({Permission.AUDIT_READ}), project=7, key=3, kind=ActorKind.USER, credential=11)


def act(tx: Connection, action: str = "thing.make", object_id: str = "t", actor: Actor = LOCAL, **more: Any) -> None:
    events.publish(tx, Event(action, object_id, actor, more.pop("project", actor.project), **more))


def ids(tx: Connection, by: Actor = LOCAL, **wanted: Any) -> list[str]:
    return [event.object_id for event in service.search_events(tx, by, AuditSearch(**wanted)).items]


def test_an_act_is_kept_whole(tx: Connection) -> None:
    request, address = context.request_id.set("r1"), context.client_address.set("203.0.113.9")
    act(tx, "model.rename", "old", ANNA, before={"name": "old"}, after={"name": "new"}, at=123)
    context.request_id.reset(request)
    context.client_address.reset(address)
    [kept] = service.search_events(tx, ANNA, AuditSearch()).items
    assert (kept.seq, kept.at, kept.actor, kept.actor_kind, kept.actor_key, kept.credential) == (
        1, 123, "anna", "user", 3, 11,
    )  # fmt: skip
    assert (kept.project, kept.action, kept.object_id, kept.allowed) == ("#7", "model.rename", "old", True)
    assert (kept.before, kept.after) == ({"name": "old"}, {"name": "new"})
    assert (kept.request_id, kept.address) == ("r1", "203.0.113.9")


def test_what_is_undone_was_never_done(tx: Connection) -> None:
    act(tx, object_id="first")
    undone = tx.begin_nested()
    act(tx, object_id="undone")
    undone.rollback()
    act(tx, object_id="second")
    assert ids(tx) == ["second", "first"]
    assert service.verify(tx, LOCAL).problem is None


def test_acts_of_a_failed_block_are_not_told(tx: Connection) -> None:
    with events.told_last(tx):
        act(tx, object_id="a")
        with contextlib.suppress(ZeroDivisionError), events.told_last(tx):
            act(tx, object_id="b")
            _ = 1 / 0
        with events.told_last(tx):
            act(tx, object_id="c")
        assert ids(tx) == []
    assert ids(tx) == ["c", "a"]


COLUMNS: dict[str, object] = {
    "at": 5,
    "actor": "eve",
    "actor_kind": "service",
    "actor_key": 99,
    "credential": 99,
    "project": 99,
    "action": "thing.unmake",
    "object_id": "other",
    "before": '{"n":9}',
    "after": None,
    "allowed": False,
    "request_id": "forged",
    "address": "forged",
    "previous": bytes(32),
    "hash": bytes(32),
}


def twelve(tx: Connection) -> None:
    for number in range(12):
        act(tx, object_id=str(number), before={"n": number}, after={"n": number + 1}, actor=replace(LOCAL, key=number))


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_found(tx: Connection, column: str) -> None:
    twelve(tx)
    tx.execute(text(f'UPDATE events SET "{column}" = :value WHERE seq = 6'), {"value": COLUMNS[column]})
    found = service.verify(tx, LOCAL)
    assert (found.seq, found.checked) == (6, 5)
    assert "Act 6 was changed" in str(found.problem)


def test_a_changed_number_is_found(tx: Connection) -> None:
    twelve(tx)
    tx.execute(text("UPDATE events SET seq = 40 WHERE seq = 6"))
    found = service.verify(tx, LOCAL)
    assert (found.seq, found.problem) == (6, "Act 6 is missing.")


def test_missing_acts_are_found(tx: Connection) -> None:
    twelve(tx)
    tx.execute(text("DELETE FROM events WHERE seq IN (4, 5)"))
    assert service.verify(tx, LOCAL).problem == "Acts 4 to 5 are missing."


def test_a_missing_beginning_is_found(tx: Connection) -> None:
    twelve(tx)
    tx.execute(text("DELETE FROM events WHERE seq < 3"))
    assert service.verify(tx, LOCAL).problem == "Acts 1 to 2 are missing."


def test_a_missing_end_is_found(tx: Connection) -> None:
    twelve(tx)
    tx.execute(text("DELETE FROM events WHERE seq > 10"))
    assert "Acts 11 to 12 are missing: the end" in str(service.verify(tx, LOCAL).problem)


def test_an_empty_log_is_found(tx: Connection) -> None:
    assert service.verify(tx, LOCAL).problem is None
    twelve(tx)
    tx.execute(text("DELETE FROM events"))
    assert "Acts 1 to 12 are missing" in str(service.verify(tx, LOCAL).problem)


def test_acts_in_each_others_place_are_found(tx: Connection) -> None:
    twelve(tx)
    for old, new in ((6, -1), (7, 6), (-1, 7)):
        tx.execute(text(f"UPDATE events SET seq = {new} WHERE seq = {old}"))
    assert service.verify(tx, LOCAL).seq == 6


def test_a_forged_act_with_a_hash_of_its_own_is_found(tx: Connection) -> None:
    from mainspring.modules.audit.service.chain import digest_of
    from mainspring.modules.audit.store import events as store

    twelve(tx)
    [(kept, _)] = store.read_after(tx, 5, 1)
    forged = replace(kept, actor="eve")
    values = {"actor": "eve", "hash": digest_of(forged)}
    tx.execute(text("UPDATE events SET actor = :actor, hash = :hash WHERE seq = 6"), values)
    found = service.verify(tx, LOCAL)
    assert found.seq == 7
    assert "does not follow the act before" in str(found.problem)
    # At the very end there is no act behind it: the head tells.
    tx.execute(text("DELETE FROM events WHERE seq > 6"))
    tx.execute(text("UPDATE event_chain SET seq = 6"))
    assert "not the one that was written last" in str(service.verify(tx, LOCAL).problem)


def test_a_check_goes_on_where_it_stopped(tx: Connection) -> None:
    twelve(tx)
    after: int | None = 0
    parts = []
    while after is not None:
        part = service.verify(tx, LOCAL, after, 5)
        assert part.problem is None
        parts.append((part.checked, part.seq))
        after = part.next_after
    assert parts == [(5, 5), (5, 10), (2, 12)]
    assert service.verify(tx, LOCAL, 77).problem == "Act 77 is missing."


def test_searches(tx: Connection) -> None:
    act(tx, "run.delete", "a1", at=100)
    act(tx, "run.restore", "A2", at=200)
    act(tx, "model.delete", "b_1", ANNA, at=300, project=1, allowed=False)
    act(tx, "model.delete", "b%1", at=400, project=2)
    act(tx, "user.create", "u", at=500, project=None)
    assert ids(tx) == ["b_1", "A2", "a1"]
    assert service.search_events(tx, LOCAL, AuditSearch()).items[0].project == "default/default"
    assert ids(tx, action="run.*") == ["A2", "a1"]
    assert ids(tx, action="run.delete") == ["a1"]
    assert ids(tx, actor="anna") == ["b_1"]
    assert ids(tx, object_id="A2") == ["A2"]
    assert ids(tx, text="a") == ["A2", "a1"]
    assert ids(tx, text="_") == ["b_1"]
    assert ids(tx, allowed=False) == ["b_1"]
    assert ids(tx, since=200, until=300) == ["A2"]
    assert ids(tx, scope=AuditScope.INSTANCE) == ["u", "b%1", "b_1", "A2", "a1"]
    assert ids(tx, scope=AuditScope.INSTANCE, text="%") == ["b%1"]


def test_pages(tx: Connection) -> None:
    twelve(tx)
    found, token = [], None
    while True:
        page = service.search_events(tx, LOCAL, AuditSearch(), 5, token)
        found += [event.object_id for event in page.items]
        # What comes meanwhile is newer: it moves nothing.
        act(tx, object_id="later")
        token = page.next_page_token
        if not token:
            break
    assert found == [str(number) for number in reversed(range(12))]
    token = service.search_events(tx, LOCAL, AuditSearch(), 5).next_page_token
    with pytest.raises(InvalidArgument, match="another filter"):
        service.search_events(tx, LOCAL, AuditSearch(actor="x"), 5, token)


def test_a_project_sees_its_own_acts_alone(tx: Connection) -> None:
    act(tx, object_id="mine", actor=ANNA)
    act(tx, object_id="theirs")
    assert ids(tx, ANNA) == ["mine"]
    nobody = replace(ANNA, permissions=frozenset())
    owner = replace(ANNA, permissions=frozenset(Permission))
    for actor in (ANNA, nobody, owner):
        with pytest.raises(PermissionDenied):
            ids(tx, actor, scope=AuditScope.INSTANCE)
    with pytest.raises(PermissionDenied):
        ids(tx, nobody)
    with pytest.raises(PermissionDenied):
        service.verify(tx, nobody)


@pytest.mark.parametrize(
    "wanted", [{"action": "run"}, {"action": "*.delete"}, {"since": -1}, {"until": 2**63}, {"text": "\0"}]
)
def test_what_is_no_search_is_refused(tx: Connection, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        ids(tx, **wanted)


def test_nothing_forges_lines(tx: Connection) -> None:
    evil = 'x\r\n{"seq":99,"actor":"root"}\x1b[2K\u2028\u0085\u202egnp'
    act(tx, "thing.make", evil, replace(LOCAL, name=evil), after={evil: evil}, request_id=evil, address=evil)
    read = read_forward(tx, LOCAL, AuditSearch(), 0, 10)
    lines, table = _ndjson(read), _csv(read)
    assert len(lines.decode().splitlines()) == len(table.decode().splitlines()) == 1
    assert json.loads(lines)["after"] == {evil: evil}
    [row] = csv.reader(io.StringIO(table.decode()))
    assert json.loads(row[10]) == {evil: evil}
    assert "\\u000d\\u000a" in row[2]
    assert service.verify(tx, LOCAL).problem is None


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_table_carries_out_nothing(tx: Connection, formula: str) -> None:
    act(tx, object_id=formula)
    [row] = csv.reader(io.StringIO(_csv(read_forward(tx, LOCAL, AuditSearch(), 0, 10)).decode()))
    assert row[8] == f"'{formula}"


def test_texts_of_any_length_and_kind_are_kept(tx: Connection) -> None:
    act(tx, "a" * 500, "o" * 5000, replace(LOCAL, name="\ud800" * 999), after={"\ud800": "\0", "n": float("nan")})
    [kept] = service.search_events(tx, LOCAL, AuditSearch()).items
    assert len(kept.object_id) == 500
    assert kept.after == {"\\ud800": "\\u0000", "n": "nan"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"password": "x"}, {"password": "[redacted]"}),
        ({"db": {"dbPassword": 1}}, {"db": {"dbPassword": "[redacted]"}}),
        ({"list": [{"api_key": "x", "n": 1}]}, {"list": [{"api_key": "[redacted]", "n": 1}]}),
        ({"secret": {"a": 1}}, {"secret": "[redacted]"}),
        ({"accessToken": "x", "token": None}, {"accessToken": "[redacted]", "token": None}),
        ({"key": "DB_PASSWORD", "value": "x"}, {"key": "DB_PASSWORD", "value": "[redacted]"}),
        ({"key": "team", "value": "vision"}, {"key": "team", "value": "vision"}),
        (
            {"token_name": "ci", "max_tokens": 5, "tokenizer": "b"},
            {"token_name": "ci", "max_tokens": 5, "tokenizer": "b"},
        ),
        ({"source": "https://u:p4ss@host/x"}, {"source": "https://u:***@host/x"}),
        ({"key_material": "x", "private_key": "x"}, {"key_material": "[redacted]", "private_key": "[redacted]"}),
    ],
)
def test_secrets_are_not_kept(tx: Connection, given: dict[str, Any], kept: dict[str, Any]) -> None:
    act(tx, after=given)
    [event] = service.search_events(tx, LOCAL, AuditSearch()).items
    assert event.after == kept


def test_refused_requests_are_kept(tx: Connection) -> None:
    service.record_denied(tx, ANNA, "DELETE", "/api/v1/models/m\n", "lacks the permission", 7)
    [event] = service.search_events(tx, ANNA, AuditSearch(allowed=False)).items
    assert (event.action, event.object_id) == ("request.denied", "DELETE /api/v1/models/m\\u000a")
    assert event.after == {"reason": "lacks the permission"}
