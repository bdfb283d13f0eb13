"""Gitea as a source: what is special to it, and the ways in which it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from mainspring.engines.sources import Level, Source, Visibility, gitea_http, open_source
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, Unauthenticated, Unavailable
from tests.components.gitea_double import Gitea, gitea
from tests.engines.sources.worlds import FULL, LARGE, LARGE_BYTES, NESTED, PROJECT

TOPICS = ("sharinghub-aimodel", "sharinghub-dataset")
SHIP = "eo-lab/restricted-ship-detector"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[str, Gitea]]:
    with gitea() as started:
        yield started


@pytest.fixture
def double(running: tuple[str, Gitea], monkeypatch: pytest.MonkeyPatch) -> Gitea:
    """The double, as if it had just been started."""
    monkeypatch.setattr(gitea_http, "PAUSE_S", 0.01)
    running[1].__init__()  # type: ignore[misc]
    return running[1]


@pytest.fixture
def url(running: tuple[str, Gitea]) -> str:
    return running[0]


def asked(url: str, ask: Callable[[Source], Coroutine[Any, Any, Any]], token: str = "") -> Any:
    async def answer() -> Any:
        source = open_source(f"gitea:{url}/", token, TOPICS)
        try:
            return await ask(source)
        finally:
            await source.close()

    return asyncio.run(answer())


async def listed(source: Source, since: int | None = None, token: str | None = None) -> list[str]:
    return [each.path async for page in source.list_changed(since, token) for each in page]


async def read(source: Source, path: str = LARGE, start: int = 0, end: int | None = None, **more: Any) -> bytes:
    async with source.open(FULL, path, "main", start, end, **more) as file:
        return b"".join([chunk async for chunk in file.chunks])


def test_only_what_is_shown_is_listed(url: str, double: Gitea) -> None:
    public = asked(url, listed)
    assert FULL in public
    assert SHIP not in public
    assert "ml-samples/wine-quality" not in public
    assert "alice/notes" not in public
    assert SHIP in asked(url, lambda source: listed(source, token="gitea-bob"))
    with pytest.raises(NotFound):
        asked(url, lambda source: source.get(SHIP, token="gitea-eve"))


def test_topics_are_taken_from_where_a_release_tells_them(url: str, double: Gitea) -> None:
    apart = asked(url, lambda source: source.get(FULL)).topics
    double.tells_topics = True
    assert asked(url, lambda source: source.get(FULL)).topics == apart
    assert "sharinghub-aimodel" in apart


def test_pages_that_are_smaller_than_asked_for_are_all_read(url: str, double: Gitea) -> None:
    whole = asked(url, listed)
    double.page = 2
    assert asked(url, listed) == whole
    assert len(asked(url, lambda source: source.releases(FULL))) == len(PROJECT.releases)


def test_a_pass_that_finds_nothing_new_asks_once(url: str, double: Gitea) -> None:
    double.tells_topics = True
    assert asked(url, lambda source: listed(source, 4_000_000_000_000)) == []
    assert [path for path, _ in double.asked] == ["/api/v1/repos/search"]


def test_visibility_and_levels(url: str, double: Gitea) -> None:
    async def own(source: Source) -> dict[str, tuple[Visibility, Level | None]]:
        return {
            each.path: (each.visibility, each.level) async for page in source.list_own("gitea-bob") for each in page
        }

    found = asked(url, own)
    assert found[SHIP] == (Visibility.PRIVATE, Level.DEVELOPER)
    assert found["ml-samples/wine-quality"] == (Visibility.INTERNAL, Level.REPORTER)


def test_a_project_is_found_where_it_was_before(url: str, double: Gitea) -> None:
    assert asked(url, lambda source: source.get("eo-lab/old-flood-model")).path == FULL
    assert asked(url, lambda source: source.get("101")).path == FULL
    assert asked(url, lambda source: source.commit("101", "main"))


def test_links_and_submodules_are_no_files(url: str, double: Gitea) -> None:
    async def paths(source: Source) -> dict[str, int | None]:
        return {each.path: each.size async for page in source.tree(FULL, "main") for each in page}

    found = asked(url, paths)
    assert {"zlink", "zmodule"} & found.keys() == set()
    assert found[LARGE] is None
    assert found[NESTED] == len(PROJECT.files[NESTED])


@pytest.mark.parametrize("knob", ["ignores_ranges", "moves_files"])
def test_a_part_is_read_however_it_is_sent(url: str, double: Gitea, knob: str) -> None:
    setattr(double, knob, True)
    for start, end in ((0, None), (5, 50), (60, None), (7, 7), (10**6, None)):
        found = asked(url, lambda source: read(source, LARGE, start, end), "gitea-portal")  # noqa: B023
        assert found == LARGE_BYTES[start:end]


def test_a_token_does_not_follow_a_file_elsewhere(url: str, double: Gitea) -> None:
    double.moves_files = True
    assert asked(url, lambda source: read(source, token="gitea-bob"), "gitea-portal") == LARGE_BYTES
    sent = [(path.split("/")[1], authorization) for path, authorization in double.asked]
    assert sent == [("api", "token gitea-bob"), ("api", "token gitea-bob"), ("store", "")]


def test_what_passes_is_tried_again(url: str, double: Gitea) -> None:
    double.failing = 2
    assert asked(url, lambda source: source.get(FULL)).path == FULL
    double.failing = 3
    with pytest.raises(Unavailable, match="502"):
        asked(url, lambda source: source.get(FULL))


@pytest.mark.parametrize("token", ["gitea-nobody", "line\nbreak", "ünïcode", ""])
def test_a_token_that_is_no_good_is_refused_and_never_shown(url: str, double: Gitea, token: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        asked(url, lambda source: source.access(token))
    assert not token or token not in refused.value.message


def test_an_own_token_that_is_no_good_is_no_fault_of_who_asks(url: str, double: Gitea) -> None:
    with pytest.raises(Unavailable) as refused:
        asked(url, lambda source: source.get(FULL), "gitea-gone")
    assert "gitea-gone" not in refused.value.message


def test_an_answer_of_something_else_is_unavailable(url: str, double: Gitea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gitea, "told", lambda *_: {"id": "x"})
    with pytest.raises(Unavailable, match="no Gitea"):
        asked(url, listed)


def test_an_answer_without_end_is_cut(url: str, double: Gitea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitea_http, "MAX_ANSWER", 100)
    with pytest.raises(Unavailable, match="more than 100 bytes"):
        asked(url, listed)


@pytest.mark.parametrize("wrong", ["ftp://host", "http://", "http://user:secret@host", "host", "http://host?x=1"])
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        open_source(f"gitea:{wrong}", "", TOPICS)
    assert "secret" not in refused.value.message


def test_what_a_token_may_is_not_known(url: str, double: Gitea) -> None:
    account = asked(url, lambda source: source.access("gitea-portal"))
    assert (account.name, account.inside, account.writes, account.is_admin) == ("portal", False, False, False)
    with pytest.raises(MainspringError):
        asked(url, lambda source: source.star(FULL, "", True))
