"""GitLab as a source of projects, asked of a double of GitLab: what it tells whom, and in how many calls."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any, TypeVar

import httpx
import pytest

from mainspring.engines.sources import Level, SourceProject, Visibility, open_source
from mainspring.engines.sources.gitlab import GitlabSource
from mainspring.engines.sources.gitlab_changes import MOVED_EVERY_MS, OVERLAP_MS
from mainspring.engines.sources.gitlab_http import Limits
from mainspring.engines.sources.gitlab_records import time_of
from mainspring.kit.errors import (
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from mainspring.kit.time import now_ms
from tests.gitlab_double.app import GitLabDouble, create_app

T = TypeVar("T")
TOPICS = tuple(f"sharinghub{sign}{name}" for name in ("aimodel", "dataset", "processor") for sign in (":", "-"))
FAST = Limits(pause_s=0.001, patience_s=1.5, own_patience_s=1.5, away_s=0.2)
DEFAULT = "double-default-token"
BOB, CAROL, DAVE, EVE, ALICE, ROOT = (f"double-{name}" for name in ("bob", "carol", "dave", "eve", "alice", "root"))


class Dated(httpx.ASGITransport):
    """Answers with the time, as a web server does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.headers["Date"] = formatdate(usegmt=True)
        return response


@asynccontextmanager
async def reading(double: GitLabDouble, token: str = "", limits: Limits = FAST) -> AsyncIterator[GitlabSource]:
    """Yield a source that reads a double in this process."""
    transport = Dated(double, raise_app_exceptions=False)
    source = GitlabSource("http://gitlab.test", token, TOPICS, limits=limits, transport=transport)
    try:
        yield source
    finally:
        await source.close()


def ask(double: GitLabDouble, question: Callable[[GitlabSource], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Return what a source answers that reads a double."""

    async def asking() -> T:
        async with reading(double, **options) as source:
            return await question(source)

    return asyncio.run(asking())


async def listed(source: GitlabSource, since: int | None = None, token: str | None = None) -> list[SourceProject]:
    return [each async for page in source.list_changed(since, token) for each in page]


async def tree(source: GitlabSource, project: str, ref: str = "main", token: str | None = None) -> list[str]:
    return [entry.path async for page in source.tree(project, ref, token) for entry in page]


async def read(
    source: GitlabSource,
    path: str,
    project: str = "101",
    start: int = 0,
    end: int | None = None,
    token: str | None = None,
) -> bytes:
    async with source.open(project, path, "main", start, end, token) as file:
        return b"".join([chunk async for chunk in file.chunks])


def active(double: GitLabDouble, project: int, ms: int) -> None:
    """Let a project have been active at a time, milliseconds since the epoch."""
    double.projects[project].last_activity_at = time_of(ms)


@pytest.fixture
def double() -> GitLabDouble:
    return create_app()


ALL = {101, 102, 104, 107, 108, 109}
"""Public projects with our topics: 106 has none, 103 is internal, 105 private."""


@pytest.mark.parametrize(
    ("token", "own", "more"),
    [
        (None, "", set()),
        (None, DEFAULT, set()),
        (EVE, "", {103}),
        (DAVE, "", {103, 105}),
        (BOB, DEFAULT, {103, 105}),
        ("double-alice-read-api", "", {103, 105}),
    ],
    ids=["nobody", "default", "eve", "dave", "bob", "alice, read_api"],
)
def test_a_listing_is_what_its_reader_may_see(
    double: GitLabDouble, token: str | None, own: str, more: set[int]
) -> None:
    found = ask(double, lambda source: listed(source, None, token), token=own)
    assert len({each.id for each in found}) == len(found)
    assert {int(each.id) for each in found} == ALL | more


@pytest.mark.parametrize(("token", "found"), [(EVE, ["103"]), (BOB, ["103"]), (DEFAULT, [])])
def test_internal_projects_are_listed_for_who_is_inside(double: GitLabDouble, token: str, found: list[str]) -> None:
    async def internal(source: GitlabSource) -> list[str]:
        return [each.id async for page in source.list_internal(token) for each in page]

    assert ask(double, internal, token=DEFAULT) == found


def test_the_projects_as_they_are_told(double: GitLabDouble) -> None:
    projects = {int(each.id): each for each in ask(double, lambda source: listed(source, None, BOB))}
    model, nested, empty, attic = (projects[number] for number in (101, 104, 107, 109))
    assert model.path == "eo-lab/flood-model"
    assert (model.title, model.description) == ("Flood Model", "Detects floods in Sentinel-1 images.")
    assert model.topics == ("sharinghub:aimodel", "Image Segmentation", "Flood Detection")
    assert (model.created_at, model.changed_at) == (1_704_877_200_000, 1_748_781_000_000)
    assert (model.url, model.default_ref, model.stars) == ("http://gitlab.test/eo-lab/flood-model", "main", 3)
    assert nested.path == "eo-lab/level-two/ndwi-processor"
    assert empty.default_ref is None
    assert attic.archived
    seen = {number: project.visibility for number, project in projects.items()}
    assert (seen[101], seen[103], seen[105]) == (Visibility.PUBLIC, Visibility.INTERNAL, Visibility.PRIVATE)
    assert ask(double, lambda source: source.get("101")).license == "apache-2.0"
    assert ask(double, lambda source: source.get("101", DAVE)).level is Level.NONE
    assert ask(double, lambda source: source.get("101"), token=DEFAULT).level is None


LEVELS = {"bob": Level.DEVELOPER, "carol": Level.REPORTER, "alice": Level.OWNER, "dave": Level.GUEST}


@pytest.mark.parametrize("name", LEVELS)
def test_own_projects_come_with_levels(double: GitLabDouble, name: str) -> None:
    async def own(source: GitlabSource) -> dict[int, Level | None]:
        return {int(each.id): each.level async for page in source.list_own(f"double-{name}") for each in page}

    levels = ask(double, own)
    assert levels[105] is LEVELS[name]
    assert (101 in levels) == (name != "dave")
    assert levels.get(103) == {"bob": Level.REPORTER, "alice": Level.MAINTAINER}.get(name)
    assert (106 in levels) == (name == "alice"), "the list of one's own is of all topics"


@pytest.mark.parametrize(("level", "calls"), [(50, 2), (40, 3), (30, 4), (20, 5), (10, 6), (15, 6)])
def test_levels_from_further_up_are_asked_for(
    double: GitLabDouble, monkeypatch: pytest.MonkeyPatch, level: int, calls: int
) -> None:
    """GitLab's list leaves out what comes by a parent group or an invited one; its filters know."""
    double.projects[104].members[6] = level
    monkeypatch.setattr(double, "project_level", lambda _user, _project: 0)
    monkeypatch.setattr(double, "level", lambda user, project: project.members.get(user.id, 0) if user else 0)

    async def own(source: GitlabSource) -> list[SourceProject]:
        return [each async for page in source.list_own(EVE) for each in page]

    (found,) = ask(double, own)
    assert (found.id, found.level) == ("104", Level.GUEST if level == 15 else Level(level))
    assert len(double.log) == calls


def test_an_own_list_of_nobody_in_particular_is_empty(double: GitLabDouble) -> None:
    async def own(source: GitlabSource) -> list[SourceProject]:
        return [each async for page in source.list_own(EVE) for each in page]

    assert ask(double, own) == []


@pytest.mark.parametrize(
    ("told", "level"),
    [(None, Level.NONE), (0, Level.NONE), (4, Level.NONE), (5, Level.MINIMAL), (25, Level.REPORTER), (60, Level.OWNER)],
)
def test_a_level_that_is_not_known_is_the_next_below(double: GitLabDouble, told: int | None, level: Level) -> None:
    double.projects[106].members[6] = told or 0
    assert ask(double, lambda source: source.get("106", EVE)).level is level


@pytest.mark.parametrize("project", ["101", "eo-lab/flood-model", "eo-lab/old-flood-model", "EO-lab/Flood-Model"])
def test_a_project_is_found_by_id_and_path_and_by_a_path_it_had(double: GitLabDouble, project: str) -> None:
    assert ask(double, lambda source: source.get(project)).id == "101"
    assert "README.md" in ask(double, lambda source: tree(source, project))
    assert ask(double, lambda source: read(source, "src/train.py", project)).startswith(b"import mlflow")
    assert ask(double, lambda source: source.commit(project, "main")) == double.projects[101].branches["main"]


PRIVATE = [
    (None, NotFound, NotFound),
    (EVE, NotFound, NotFound),
    (DAVE, None, PermissionDenied),
    (CAROL, None, None),
    (BOB, None, None),
    (ALICE, None, None),
    (ROOT, None, None),
    ("double-project-101", NotFound, NotFound),
    ("double-mallory", Unauthenticated, Unauthenticated),
    ("double-alice-revoked", Unauthenticated, Unauthenticated),
    ("double-alice-expired", Unauthenticated, Unauthenticated),
    ("double-nobody", Unauthenticated, Unauthenticated),
    ("double-alice-read-user", PermissionDenied, PermissionDenied),
    ("", Unauthenticated, Unauthenticated),
    ("two\r\nlines: 1", Unauthenticated, Unauthenticated),
]


@pytest.mark.parametrize(("token", "shown", "code"), PRIVATE, ids=[repr(token) for token, _, _ in PRIVATE])
def test_a_private_project_by_everyone(
    double: GitLabDouble, token: str | None, shown: type[Exception] | None, code: type[Exception] | None
) -> None:
    def tried(question: Callable[[GitlabSource], Coroutine[Any, Any, Any]]) -> type[Exception] | None:
        try:
            ask(double, question, token=DEFAULT)
        except MainspringError as error:
            return type(error)
        return None

    assert tried(lambda source: source.get("105", token)) is shown
    assert tried(lambda source: tree(source, "105", token=token)) is code
    assert tried(lambda source: read(source, "weights/ship.onnx", "105", token=token)) is code
    assert tried(lambda source: source.commit("105", "main", token)) is code


@pytest.mark.parametrize(
    ("token", "name", "inside", "writes"),
    [
        (ALICE, "alice", True, True),
        ("double-alice-read-api", "alice", True, False),
        ("double-portal", "portal", False, True),
        (DEFAULT, "portal", False, False),
        ("double-project-101", "project_101_bot_1", True, True),
        (ROOT, "root", True, True),
    ],
)
def test_an_account_is_known_by_its_token(
    double: GitLabDouble, token: str, name: str, inside: bool, writes: bool
) -> None:
    account = ask(double, lambda source: source.access(token))
    assert (account.name, account.inside, account.writes) == (name, inside, writes)
    assert account.is_admin == (name == "root")
    assert account.email == next(user.email for user in double.users.values() if user.username == name)


@pytest.mark.parametrize(
    "token",
    [
        "double-mallory",
        "double-alice-revoked",
        "double-alice-expired",
        "double-nobody",
        "double-alice-read-user",
        "double-alice-read-repository",
        "",
        "ünïcode",
    ],
)
def test_a_token_that_is_no_good_is_nobodys(double: GitLabDouble, token: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        ask(double, lambda source: source.access(token))
    assert not token or token not in str(refused.value)


def test_a_revoked_token_is_refused_at_the_next_question(double: GitLabDouble) -> None:
    async def before_and_after(source: GitlabSource) -> None:
        await source.access(BOB)
        double.tokens[BOB].revoked = True
        with pytest.raises(Unauthenticated):
            await source.access(BOB)
        with pytest.raises(Unauthenticated):
            await source.get("105", BOB)

    ask(double, before_and_after)


def test_an_oauth_token_has_the_scopes_of_its_grant(double: GitLabDouble) -> None:
    # GitLab tells a personal token's scopes at one endpoint, and those of OAuth at another.
    double.faults.append({"match": "/personal_access_tokens/self", "status": 400})
    assert ask(double, lambda source: source.access(ALICE)).writes
    double.faults[:] = [
        {"match": "/personal_access_tokens/self", "status": 404},
        {"match": "/oauth/token", "status": 404},
    ]
    assert not ask(double, lambda source: source.access(ALICE)).writes


def test_an_email_that_is_not_confirmed_is_nobodys(double: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    told = double.get_user

    def unconfirmed(ctx: Any) -> dict[str, Any]:
        return {**told(ctx), "confirmed_at": None}

    double.routes = [
        (verb, way, unconfirmed if call == told else call, meta) for verb, way, call, meta in double.routes
    ]
    assert ask(double, lambda source: source.access(BOB)).email == ""


def test_a_tree_is_all_files_in_pages(double: GitLabDouble) -> None:
    assert ask(double, lambda source: tree(source, "101")) == sorted(double.projects[101].files)
    assert "dir with space/ünïcode & #hash.txt" in ask(double, lambda source: tree(source, "108"))
    files = {f"data/{number:04d}.csv": f"{number}\n".encode() for number in range(450)}
    double.commit(double.projects[106], files, "many", double.users[2])
    assert ask(double, lambda source: tree(source, "106")) == sorted(files)
    pages = [each for each in double.log if "/repository/tree" in each["path"] and "/106/" in each["path"]]
    assert len(pages) == 5


def test_an_empty_repository_is_an_empty_tree(double: GitLabDouble) -> None:
    assert ask(double, lambda source: tree(source, "107")) == []
    # GitLab says so of an empty project to those whom it tells no more.
    double.projects[107].default_branch = "main"
    assert ask(double, lambda source: tree(source, "107")) == []
    with pytest.raises(NotFound):
        ask(double, lambda source: tree(source, "101", "nothing"))


@pytest.mark.parametrize("project", ["..", ".", "", "a\0b", "../user", "eo-lab/flood-model/../../user", "0"])
def test_a_name_that_is_no_project_is_not_found(double: GitLabDouble, project: str) -> None:
    for question in (lambda source: source.get(project, BOB), lambda source: tree(source, project, token=BOB)):
        with pytest.raises(NotFound):
            ask(double, question)


@pytest.mark.parametrize("path", ["../x", "/README.md", "a//b", "", "README.md/..", "src", "x\0y", "nothing"])
def test_a_name_that_is_no_file_is_not_found(double: GitLabDouble, path: str) -> None:
    with pytest.raises(NotFound):
        ask(double, lambda source: read(source, path))


@pytest.mark.parametrize("bounds", [(0, None), (0, 4), (3, 20), (7, None), (50, 60), (10**9, None), (4, 2)])
@pytest.mark.parametrize("path", ["checkpoints/flood-unet.onnx", "README.md", "src/train.py"])
def test_a_part_of_a_file_is_read(double: GitLabDouble, path: str, bounds: tuple[int, int | None]) -> None:
    project = double.projects[101]
    whole = project.files[path] if path != "checkpoints/flood-unet.onnx" else next(iter(project.lfs.values()))

    async def opened(source: GitlabSource) -> None:
        async with source.open("101", path, "main", *bounds) as file:
            content = b"".join([chunk async for chunk in file.chunks])
            assert content == whole[slice(*bounds)]
            assert (file.size, file.end - file.start) == (len(whole), len(content))
            assert file.sha256 == hashlib.sha256(whole).hexdigest()
        entries = {entry.path: entry async for page in source.tree("101", "main") for entry in page}
        assert file.etag == entries[path].version

    ask(double, opened)


def test_odd_names_of_files_are_read(double: GitLabDouble) -> None:
    name = "dir with space/ünïcode & #hash.txt"
    assert ask(double, lambda source: read(source, name, "eo-lab/broken-metadata")) == b"odd name\n"


@pytest.mark.parametrize("batch", [True, False], ids=["batch API", "without it"])
@pytest.mark.parametrize("token", [None, BOB], ids=["own token", "bob's"])
def test_a_large_file_is_read_where_it_is(double: GitLabDouble, batch: bool, token: str | None) -> None:
    double.lfs_redirect = not batch
    if not batch:
        double.faults.append({"match": "/info/lfs/", "status": 403})
    whole = next(iter(double.projects[101].lfs.values()))
    assert ask(double, lambda source: read(source, "checkpoints/flood-unet.onnx", token=token), token=DEFAULT) == whole
    paths = [each["path"] for each in double.log]
    assert any("/gitlab-lfs/objects/" in path for path in paths) == batch
    # The store to which GitLab led would have refused a second credential.
    assert any(each["status"] == 302 for each in double.log) != batch


def test_a_large_file_that_is_lost_is_not_found(double: GitLabDouble) -> None:
    double.projects[101].lfs.clear()
    with pytest.raises(NotFound, match="pointer"):
        ask(double, lambda source: read(source, "checkpoints/flood-unet.onnx"))


@pytest.mark.parametrize(
    "change", [lambda whole: whole + b"x", lambda whole: whole[:-1], lambda whole: b"\0" * len(whole)]
)
def test_a_large_file_that_is_another_is_refused(double: GitLabDouble, change: Callable[[bytes], bytes]) -> None:
    lfs = double.projects[101].lfs
    lfs.update({oid: change(content) for oid, content in lfs.items()})
    with pytest.raises(Unavailable):
        ask(double, lambda source: read(source, "checkpoints/flood-unet.onnx"))


def test_releases_come_newest_first(double: GitLabDouble) -> None:
    newest, first = ask(double, lambda source: source.releases("101"))
    assert (newest.tag, newest.name, newest.description) == ("v1.1.0", "Second training round", "Better recall.\n")
    assert newest.links == (("flood-unet.onnx", "https://example.org/downloads/flood-unet-1.1.0.onnx"),)
    assert newest.commit == ask(double, lambda source: source.commit("101", "v1.1.0"))
    assert first.commit == ask(double, lambda source: source.commit("101", first.commit)) != newest.commit
    assert ask(double, lambda source: source.releases("107")) == []


def test_links_of_releases_are_addresses_of_the_web(double: GitLabDouble) -> None:
    hostile = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:secret@example.org/",
        "http://[",
        "https://a b",
    ]
    double.projects[101].releases[0]["links"] = [{"id": 1, "name": "x", "url": url} for url in hostile]
    assert ask(double, lambda source: source.releases("101"))[0].links == ()


def test_a_project_is_starred_once(double: GitLabDouble) -> None:
    for on, stars in ((True, 4), (True, 4), (False, 3), (False, 3)):
        ask(double, lambda source, on=on: source.star("101", DAVE, on))
        assert len(double.projects[101].starrers) == stars
    with pytest.raises(PermissionDenied, match="scope"):
        ask(double, lambda source: source.star("101", "double-alice-read-api", True))
    with pytest.raises(NotFound):
        ask(double, lambda source: source.star("105", EVE, True))


# ---- what changed


def test_an_idle_pass_takes_one_call(double: GitLabDouble) -> None:
    async def idle(source: GitlabSource) -> None:
        await listed(source)
        active(double, 101, now_ms() - 600_000)
        assert [each.id for each in await listed(source, now_ms() - 700_000)] == ["101"]
        for _ in range(3):
            double.log.clear()
            assert await listed(source, now_ms()) == []
            assert len(double.log) == 1

    ask(double, idle, token=DEFAULT)


def test_what_is_active_within_the_hour_is_told_once_more_after_it(
    double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = now_ms()
    clock = [start]
    monkeypatch.setattr("mainspring.engines.sources.gitlab.now_ms", lambda: clock[0])

    async def passes(source: GitlabSource) -> None:
        active(double, 101, start)
        last, told = start - 60_000, []
        for minute in range(0, 70, 5):
            clock[0] = start + minute * 60_000
            told += [(minute, each.id) for each in await listed(source, last)]
            last = clock[0]
        assert told == [(0, "101"), (60, "101")]

    ask(double, passes, token=DEFAULT)


def test_a_busy_gitlab_with_a_quiet_catalog_is_asked_once_a_pass() -> None:
    """Others are active all the time: a pass does not look back further because nothing of ours is."""
    double = create_app(bulk=300)
    hour, start = 3_600_000, now_ms()
    for number in range(300):
        double.projects[5000 + number].topics = []
        active(double, 5000 + number, start - (300 - number) * hour // 60)

    async def passes(source: GitlabSource) -> None:
        since = start - 400 * hour
        assert await listed(source, since) == []
        assert len(double.log) == 1 + len(TOPICS)
        for _ in range(3):
            double.log.clear()
            assert await listed(source, since) == []
        assert len(double.log) == 1
        active(double, 101, start + 60_000)
        assert [each.id for each in await listed(source, since)] == ["101"]

    ask(double, passes, token=DEFAULT)


def test_what_is_active_in_the_far_future_hides_nothing(double: GitLabDouble) -> None:
    async def passes(source: GitlabSource) -> None:
        active(double, 106, now_ms() + 10 * 365 * 86_400_000)
        assert await listed(source, now_ms()) == []
        active(double, 101, now_ms())
        assert [each.id for each in await listed(source, now_ms())] == ["101"]

    ask(double, passes)
    asyncio.run(without_dates(double, passes))


async def without_dates(double: GitLabDouble, question: Callable[[GitlabSource], Coroutine[Any, Any, None]]) -> None:
    for project in double.projects.values():
        project.last_activity_at = "2024-01-01T00:00:00Z"
    source = GitlabSource("http://gitlab.test", "", TOPICS, transport=httpx.ASGITransport(double))
    await question(source)
    await source.close()


def test_who_goes_back_is_told_again(double: GitLabDouble) -> None:
    async def passes(source: GitlabSource) -> None:
        now = now_ms()
        active(double, 101, now - 60_000)
        for since, ids in ((now - 1000, ["101"]), (now, []), (now - 2000, ["101"])):
            assert [each.id for each in await listed(source, since)] == ids

    ask(double, passes)


def test_what_else_changes_within_the_hour_is_told(double: GitLabDouble) -> None:
    async def passes(source: GitlabSource) -> None:
        active(double, 101, now_ms() - 60_000)
        assert len(await listed(source, now_ms() - 30_000)) == 1
        assert await listed(source, now_ms()) == []
        double.projects[101].starrers.add(5)
        assert [each.stars for each in await listed(source, now_ms())] == [4]

    ask(double, passes, token=DEFAULT)


def test_a_page_that_was_not_taken_is_told_again(double: GitLabDouble) -> None:
    async def passes(source: GitlabSource) -> None:
        active(double, 101, now_ms() - 60_000)
        pages = source.list_changed(now_ms())
        assert len(await anext(pages)) == 1
        await pages.aclose()  # type: ignore[attr-defined]
        assert len(await listed(source, now_ms())) == 1

    ask(double, passes, token=DEFAULT)


def test_projects_of_other_topics_are_no_change(double: GitLabDouble) -> None:
    active(double, 106, now_ms())
    active(double, 105, now_ms())
    assert ask(double, lambda source: listed(source, now_ms() - 60_000), token=DEFAULT) == []
    assert [each.id for each in ask(double, lambda source: listed(source, now_ms() - 60_000, BOB))] == ["105"]


def test_topics_are_compared_without_case(double: GitLabDouble) -> None:
    double.projects[106].topics = ["SharingHub:AImodel"]
    active(double, 106, now_ms())
    assert [each.id for each in ask(double, lambda source: listed(source, now_ms() - 60_000))] == ["106"]


def test_no_topics_are_no_projects(double: GitLabDouble) -> None:
    async def asking() -> list[SourceProject]:
        source = GitlabSource("http://gitlab.test", "", (), transport=httpx.ASGITransport(double))
        return [*await listed(source), *await listed(source, 0)]

    assert asyncio.run(asking()) == []
    assert double.log == []


def test_many_projects_come_once_in_pages() -> None:
    double = create_app(bulk=300)
    for number in range(0, 300, 3):
        double.projects[5000 + number].topics += ["sharinghub:aimodel", "sharinghub-dataset"]

    found = ask(double, listed, token=DEFAULT)
    assert len(found) == 300 + len(ALL)
    assert len({each.id for each in found}) == len(found)
    assert len(double.log) <= 12
    assert {each["status"] for each in double.log} == {200}
    double.log.clear()
    for number in range(150):
        active(double, 5000 + number, now_ms())
    changed = ask(double, lambda source: listed(source, now_ms() - 60_000), token=DEFAULT)
    assert sorted(int(each.id) for each in changed) == list(range(5000, 5150))
    assert len(double.log) <= 10


def test_the_overlap_is_longer_than_activity_is_silent() -> None:
    assert OVERLAP_MS > MOVED_EVERY_MS == 3_600_000


# ---- its name, its secrets


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gitlab.test",
        "ftp://gitlab.test",
        "https://",
        "https://u:p@gitlab.test",
        "https://gitlab.test?a=1",
        "http://[",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        GitlabSource(url, "", TOPICS)
    assert "u:p" not in str(refused.value)


def test_it_is_opened_by_its_name_without_a_call() -> None:
    assert open_source("gitlab:http://127.0.0.1:1/gitlab/", "", TOPICS).name == "gitlab:http://127.0.0.1:1/gitlab"


def test_a_token_stands_in_headers_alone(double: GitLabDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def all_questions(source: GitlabSource) -> None:
        await listed(source)
        await listed(source, now_ms(), BOB)
        await source.access(BOB)
        await source.star("101", BOB, True)
        await read(source, "weights/ship.onnx", "105", token=BOB)
        await source.releases("105", BOB)
        _ = [each async for page in source.list_own(BOB) for each in page]
        assert DEFAULT not in repr(vars(source))

    ask(double, all_questions, token=DEFAULT)
    assert {each["auth"] for each in double.log} <= {"Bearer", "Basic"}
    assert "double-" not in "".join(each["query"] for each in double.log)
    assert BOB not in caplog.text
    assert DEFAULT not in caplog.text
