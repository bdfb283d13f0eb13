"""Keeping what a source says of accounts: what changes access, what is too old, and what a member brings along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection

from mainspring.engines.sources import Level, SourceProject, Visibility
from mainspring.kit.errors import RateLimited, Unauthenticated
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.identity.service import refused_tokens
from mainspring.modules.identity.store.credentials import get_epoch
from mainspring.modules.projects import service, store
from mainspring.modules.projects.service import source_access
from mainspring.modules.projects.service.sources import mirror_projects
from mainspring.modules.projects.store import SourceAccount
from mainspring.modules.projects.store.origins import SourceRecord
from tests.modules.projects.conftest import Enter

NAME = "gitlab:https://gitlab.example.org"


@pytest.fixture(autouse=True)
def mirrored() -> Iterator[None]:
    """Have all projects that a member brings along come to be."""
    before = list(source_access._on_seen)

    @service.on_seen
    def mirror(tx: Connection, source: SourceRecord, own: Sequence[SourceProject]) -> None:
        mirror_projects(tx, source, own)

    yield
    source_access._on_seen[:] = before


def project(id: str, level: Level | None, visibility: Visibility = Visibility.PRIVATE) -> SourceProject:
    """Return a project as a source tells it to one of its members."""
    url = f"https://gitlab.example.org/lab/p{id}"
    return SourceProject(id, f"lab/p{id}", f"P{id}", "", visibility, (), 0, 0, url, level=level)


def said(tx: Connection, name: str = "ann", *, token: bytes | None = b"sealed", ago_ms: int = 0) -> SourceAccount:
    """Return what a source said of an account."""
    user = identity.find_holder(tx, "user", name)
    now = now_ms() - ago_ms
    return SourceAccount(0, user, True, now, now + 60_000, token)


def levels(tx: Connection, name: str = "ann") -> dict[str, int]:
    """Return the levels of an account by the paths of projects."""
    user = identity.find_holder(tx, "user", name)
    known = store.find_source_account(tx, user, NAME)
    held = {} if known is None else store.levels_of(tx, known.source, user)
    paths = service.paths_of(tx, held)
    return {paths[key]: level for key, level in held.items()}


def test_a_member_brings_private_projects_along(tx: Connection, enter: Enter) -> None:
    own = [project("1", Level.DEVELOPER), project("2", Level.MINIMAL), project("3", None), project("4", Level.PLANNER)]
    source_access.keep_access(tx, NAME, said(tx), own)
    assert levels(tx) == {"lab/p1": 30, "lab/p4": 15}
    seen = [each.path for each in service.search_projects(tx, enter("ann")).items if each.path.startswith("lab/")]
    assert seen == ["lab/p1", "lab/p4"]
    assert not [each for each in service.search_projects(tx, enter("bob")).items if each.path.startswith("lab/")]


def test_access_changes_where_something_does(tx: Connection) -> None:
    own = [project("1", Level.DEVELOPER)]
    source_access.keep_access(tx, NAME, said(tx), own)
    epoch = get_epoch(tx)
    source_access.keep_access(tx, NAME, said(tx, token=None), own)
    source_access.keep_access(tx, NAME, said(tx, token=b"another"), own)
    assert get_epoch(tx) == epoch
    source_access.keep_access(tx, NAME, said(tx), [project("1", Level.REPORTER)])
    assert get_epoch(tx) == epoch + 1
    source_access.keep_access(tx, NAME, said(tx), [])
    assert get_epoch(tx) == epoch + 2
    assert levels(tx) == {}


def test_a_token_stays_where_none_comes(tx: Connection) -> None:
    source_access.keep_access(tx, NAME, said(tx), [])
    source_access.keep_access(tx, NAME, said(tx, token=None), [])
    user = identity.find_holder(tx, "user", "ann")
    known = store.find_source_account(tx, user, NAME)
    assert known is not None
    assert known.token == b"sealed"
    assert b"sealed" not in repr(known).encode()
    store.close_account(tx, known.source, user, forget=True)
    known = store.find_source_account(tx, user, NAME)
    assert known is not None
    assert (known.token, known.good_until) == (None, 0)


def test_an_answer_that_comes_late_is_dropped(tx: Connection) -> None:
    source_access.keep_access(tx, NAME, said(tx), [])
    source_access.keep_access(tx, NAME, said(tx, ago_ms=5_000), [project("1", Level.OWNER)])
    assert levels(tx) == {}


def test_tokens_of_members(tx: Connection) -> None:
    own = project("1", Level.REPORTER)
    source_access.keep_access(tx, NAME, said(tx, "ann"), [own])
    source_access.keep_access(tx, NAME, said(tx, "bob"), [project("1", Level.GUEST)])
    source_access.keep_access(tx, NAME, said(tx, "eve", token=None), [own])
    made = store.find_project(tx, "lab/p1")
    assert made is not None
    found = store.find_tokens(tx, made.key, Level.REPORTER, 5)
    assert [each.user for each in found] == [identity.find_holder(tx, "user", "ann")]


def test_a_deleted_account_is_forgotten(tx: Connection, enter: Enter) -> None:
    source_access.keep_access(tx, NAME, said(tx), [project("1", Level.OWNER)])
    user = identity.find_holder(tx, "user", "ann")
    identity.delete_user(tx, enter("root"), "ann")
    known = store.find_source_account(tx, user, NAME)
    assert known is None


class TestRefusedTokens:
    """Tokens that were refused, and the addresses that they came from."""

    def test_one_that_was_refused_is_not_asked_about_at_once(self) -> None:
        refused = identity.RefusedTokens()
        refused.begin(b"one", "203.0.113.1")
        refused.refuse(b"one")
        with pytest.raises(Unauthenticated):
            refused.begin(b"one", "203.0.113.2")
        refused.begin(b"two", "203.0.113.2")

    def test_many_from_one_address_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [1000.0]
        monkeypatch.setattr(refused_tokens.time, "monotonic", lambda: now[0])
        refused = identity.RefusedTokens()
        for number in range(20):
            refused.begin(b"%d" % number, "2001:db8::1")
        with pytest.raises(RateLimited) as error:
            refused.begin(b"more", "2001:db8::2")
        assert error.value.retry_after == 1
        refused.begin(b"more", "2001:db8:1::1")
        now[0] += 1
        refused.begin(b"more", "2001:db8::3")
        with pytest.raises(RateLimited) as error:
            refused.begin(b"another", "2001:db8::2")
        assert error.value.retry_after == 2

    def test_good_ones_do_not_count(self) -> None:
        refused = identity.RefusedTokens()
        for number in range(100):
            refused.begin(b"%d" % number, "203.0.113.1")
            refused.end("203.0.113.1")
