"""What every source of projects promises."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mainspring.engines.sources import BACKENDS, Level, SourceProject, TreeEntry, Visibility, open_source
from mainspring.kit.errors import InvalidArgument, NotFound, Unauthenticated, Unavailable, Unsupported
from tests.components.gitea_double import gitea, topic_of
from tests.components.ports import free_port
from tests.engines.sources.worlds import (
    EMPTY,
    FULL,
    LARGE,
    LARGE_BYTES,
    NESTED,
    PROJECT,
    README,
    RELEASES,
    TOPICS,
    AtHome,
    World,
    build_git_folder,
)

_T = TypeVar("_T")


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Yield the loop in which the sources of this module live."""
    with asyncio.Runner() as runner:
        yield runner.get_loop()


SOURCES = ("git", "gitea", "gitlab")
MISSING = (NotFound, InvalidArgument)
"""What is told of a ref or a path that cannot be there: a source does not know it, what is at home here may say why."""


@contextmanager
def built(kind: str, request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop, folder: Path) -> Iterator[World]:
    """Yield the world in a kind of place."""
    with ExitStack() as stack:
        if kind == "git":
            made = World(build_git_folder(folder / "repositories"))
        elif kind == "gitea":
            url, _ = stack.enter_context(gitea())
            made = World(open_source(f"gitea:{url}", "gitea-portal", TOPICS), "gitea-bob")
        elif kind == "gitlab":
            url = request.getfixturevalue("gitlab")
            made = World(open_source(f"gitlab:{url}", "double-portal", TOPICS), "double-bob")
        else:
            made = World(AtHome(folder))
            loop.run_until_complete(made.source.build())
        yield made
        loop.run_until_complete(made.source.close())


@pytest.fixture(scope="module", params=SOURCES)
def world(
    request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Yield the world in each kind of source."""
    with built(request.param, request, loop, tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="module", params=[*SOURCES, "here"])
def place(
    request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Yield the world in each kind of source, and at home here."""
    with built(request.param, request, loop, tmp_path_factory.mktemp("place")) as made:
        yield made


@pytest.fixture
def run(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, _T]], _T]:
    return loop.run_until_complete


Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def listed(world: World, since: int | None = None) -> dict[str, SourceProject]:
    return {each.path: each async for page in world.source.list_changed(since) for each in page}


async def files(world: World, ref: str, project: str = FULL) -> dict[str, TreeEntry]:
    pages = [page async for page in world.source.tree(project, ref)]
    paths = [entry.path for page in pages for entry in page]
    assert len(set(paths)) == len(paths)
    return {entry.path: entry for page in pages for entry in page}


async def read(world: World, path: str, ref: str = "main", start: int = 0, end: int | None = None) -> bytes:
    async with world.source.open(FULL, path, ref, start, end) as file:
        content = b"".join([chunk async for chunk in file.chunks])
        assert len(content) == file.end - file.start
        return content


def test_a_listing_has_the_projects_of_these_topics(world: World, run: Run) -> None:
    found = run(listed(world))
    assert {FULL, EMPTY} <= found.keys()
    assert all({topic.lower() for topic in each.topics} & set(TOPICS) for each in found.values())
    project = found[FULL]
    # Of a name and of topics each source has what it can.
    assert (topic_of(project.title), project.description) == (topic_of(PROJECT.name), PROJECT.description)
    assert sorted(map(topic_of, project.topics)) == sorted(map(topic_of, PROJECT.topics))
    assert project.visibility is Visibility.PUBLIC
    assert (project.default_ref, project.archived, project.level) == ("main", False, None)
    assert 0 < project.created_at <= project.changed_at


def test_only_what_changed_since_is_listed(world: World, run: Run) -> None:
    newest = max(project.changed_at for project in run(listed(world)).values())
    # GitLab moves the time of a project's last activity once an hour: it is looked back further than that.
    assert run(listed(world, newest + 7_200_000)) == {}
    assert FULL in run(listed(world, run(world.source.get(FULL)).changed_at - 1))


def test_a_project_is_found_by_id_and_path(world: World, run: Run) -> None:
    by_path = run(world.source.get(FULL))
    assert run(world.source.get(by_path.id)) == by_path
    assert by_path.path == FULL


@pytest.mark.parametrize(
    "project",
    ["eo-lab/nothing", "nothing", "../etc", "eo-lab/../../etc", "/etc", "eo-lab/flood-model/refs", "a\0b", ""],
)
def test_a_project_that_is_not_there_is_not_found(world: World, run: Run, project: str) -> None:
    with pytest.raises(NotFound):
        run(world.source.get(project))
    with pytest.raises(NotFound):
        run(world.source.commit(project, "main"))


def test_a_tree_has_all_files_by_path(place: World, run: Run) -> None:
    found = run(files(place, "main"))
    assert set(found) == set(PROJECT.files)
    assert list(found) == sorted(found, key=str.encode)
    assert all(entry.version for entry in found.values())
    assert found[LARGE].size in (len(LARGE_BYTES), None)
    assert found[LARGE].sha256 in (hashlib.sha256(LARGE_BYTES).hexdigest(), "")


@pytest.mark.parametrize("ref", RELEASES)
def test_a_tree_is_that_of_a_release_too(place: World, run: Run, ref: str) -> None:
    assert "README.md" in run(files(place, ref))
    assert "README.md" in run(files(place, run(place.source.commit(FULL, ref))))


@pytest.mark.parametrize("ref", ["nothing", "../main", "main/../../HEAD", "0" * 40, "main:README.md", "-x", "a\0b"])
def test_a_ref_that_is_not_there_is_not_found(place: World, run: Run, ref: str) -> None:
    with pytest.raises(MISSING):
        run(files(place, ref))
    with pytest.raises(MISSING):
        run(place.source.commit(FULL, ref))
    with pytest.raises(MISSING):
        run(read(place, "README.md", ref))


def test_no_ref_is_none(world: World, run: Run) -> None:
    with pytest.raises(NotFound):
        run(world.source.commit(FULL, ""))


def test_a_file_is_read(place: World, run: Run) -> None:
    assert run(read(place, NESTED)) == PROJECT.files[NESTED]
    readme = run(read(place, "README.md"))
    assert readme.startswith(b"---\nlicense: Apache-2.0\n")
    assert readme.endswith(README[-100:])


def test_a_large_file_is_read_itself(place: World, run: Run) -> None:
    async def size_and_digest() -> tuple[int, str]:
        async with place.source.open(FULL, LARGE, "main") as file:
            return file.size, file.sha256

    assert run(read(place, LARGE)) == LARGE_BYTES
    size, sha256 = run(size_and_digest())
    assert size == len(LARGE_BYTES)
    assert sha256 in (hashlib.sha256(LARGE_BYTES).hexdigest(), "")


@pytest.mark.parametrize("path", [NESTED, LARGE])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (3, 9), (5, None), (2, 10**9), (7, 7), (0, 0)])
def test_a_part_of_a_file_is_read(place: World, run: Run, path: str, start: int, end: int | None) -> None:
    whole = LARGE_BYTES if path == LARGE else PROJECT.files[path]
    assert run(read(place, path, "main", start, end)) == whole[start:end]


@pytest.mark.parametrize(
    "path",
    ["nothing.txt", "src", "src/nothing.py", "README.md/x", "../README.md", "/etc/passwd", "src/../README.md", ""],
)
def test_a_file_that_is_not_there_is_not_found(place: World, run: Run, path: str) -> None:
    with pytest.raises(MISSING):
        run(read(place, path))


def test_a_commit_stays_what_a_branch_moves_from(place: World, run: Run) -> None:
    commit = run(place.source.commit(FULL, "main"))
    assert run(place.source.commit(FULL, commit)) == commit
    assert run(read(place, NESTED, commit)) == PROJECT.files[NESTED]


def test_releases_come_newest_first(place: World, run: Run) -> None:
    found = run(place.source.releases(FULL))
    assert [release.tag for release in found] == RELEASES
    newest = PROJECT.releases[0]
    assert (found[0].name, found[0].description.strip()) == (newest["name"], newest["description"].strip())
    assert found[0].released_at > found[1].released_at
    assert run(place.source.releases(EMPTY)) == []


def test_an_empty_project_has_no_files(world: World, run: Run) -> None:
    assert run(world.source.get(EMPTY)).default_ref is None
    with suppress(NotFound):
        assert run(files(world, "main", EMPTY)) == {}
    with pytest.raises(NotFound):
        run(world.source.commit(EMPTY, "main"))


def test_accounts_are_known_by_their_tokens(world: World, run: Run) -> None:
    async def own() -> dict[str, SourceProject]:
        return {each.path: each async for page in world.source.list_own(world.token) for each in page}

    if not world.token:
        with pytest.raises(Unsupported):
            run(world.source.access("token"))
        with pytest.raises(Unsupported):
            run(own())
        with pytest.raises(Unsupported):
            run(world.source.get(FULL, token="token"))
        return
    account = run(world.source.access(world.token))
    assert account.id
    assert account.name
    assert all(project.level is not None and project.level >= Level.GUEST for project in run(own()).values())
    assert FULL in run(own())
    with pytest.raises(Unauthenticated):
        run(world.source.access("no token of anybody"))


def test_a_star_is_given_and_taken_once(world: World, run: Run) -> None:
    if not world.token:
        with pytest.raises(Unsupported):
            run(world.source.star(FULL, "token", True))
        return
    run(world.source.star(FULL, world.token, False))
    before = run(world.source.get(FULL)).stars
    for on, stars in ((True, before + 1), (True, before + 1), (False, before), (False, before)):
        run(world.source.star(FULL, world.token, on))
        assert run(world.source.get(FULL)).stars == stars


@pytest.mark.parametrize("kind", list(BACKENDS))
def test_a_source_that_is_not_there_is_unavailable(run: Run, kind: str, tmp_path: Path) -> None:
    url = str(tmp_path / "nothing") if kind == "git" else f"http://127.0.0.1:{free_port()}"
    source = open_source(f"{kind}:{url}", "", TOPICS)
    assert source.name == f"{kind}:{url}"
    with pytest.raises(Unavailable):
        run(source.get(FULL))
    with pytest.raises(Unavailable):
        run(listed(World(source)))
    run(source.close())


@pytest.mark.parametrize("name", ["", "git", "git:", "svn:/folder", "git:folder", "git:/"])
def test_a_name_that_is_no_source_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        open_source(name, "", TOPICS)


def test_no_source_shows_its_token(world: World) -> None:
    assert world.token == "" or world.token not in repr(vars(world.source))
