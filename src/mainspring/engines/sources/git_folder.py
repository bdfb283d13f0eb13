"""A folder of git repositories on this machine, bare or not: ``git:/folder``.

A project is called by where its repository lies below the folder, up to ``MAX_PARTS`` names deep, without ``.git``; one
directly in the folder has the folder's own name for a namespace. Topics, title and visibility come from a section
``[mainspring]`` of the repository's configuration, topics else from the front matter of its README; a repository that
says nothing is private. There are no accounts here: who sees a private project is granted in Mainspring.

Blobs are streamed, but those that git keeps as differences: these are put together whole, up to
``git_objects.MAX_WHOLE`` bytes. Folders, commits and tags are read whole up to ``git_repository.MAX_TREE``.
Large files (LFS) are read from ``lfs/objects`` of the repository.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from mainspring.engines.sources.port import Account, Release, SourceFile, SourceProject, TreeEntry
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, Unavailable, Unsupported

if TYPE_CHECKING:
    from mainspring.engines.sources.git_repository import Repository

log = structlog.get_logger(__name__)

MAX_PARTS = 6
PAGE = 100
TREE_PAGE = 1_000

_Result = TypeVar("_Result")


class GitFolder:
    """The source of a folder of repositories."""

    def __init__(self, url: str, _token: str, topics: tuple[str, ...]) -> None:
        self.name = f"git:{url}"
        if not url.startswith("/") or not Path(url).name:
            raise InvalidArgument(
                f"The source '{self.name}' is no folder: write its whole path, git:/folder.", field="sources"
            )
        self._given = Path(url)
        self._topics = frozenset(topic.lower() for topic in topics)
        self._told: dict[Path, int] = {}

    async def list_changed(self, since: int | None, token: str | None = None) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects of these topics, of all repositories where no topics are given, by path.

        Beside what changed since, there is in them what was told otherwise the last time, or not at all: what came
        to be while it was looked elsewhere, and repositories that were moved to here.
        """
        _refuse_token(token)
        told = dict(self._told)
        paths = await asyncio.to_thread(self._list_paths)
        for start in range(0, len(paths), PAGE):
            times = await asyncio.to_thread(_times, paths[start : start + PAGE])
            changed = [
                path for path, at in times.items() if since is None or at >= since or (told and told.get(path) != at)
            ]
            if found := await asyncio.to_thread(self._describe_all, changed):
                yield found
            self._told |= times  # who did not come back for more may have failed, and is told again
        self._told = {path: self._told[path] for path in paths if path in self._told}

    def list_own(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Raise Unsupported: nobody is a member here."""
        raise _no_accounts()

    def list_internal(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Raise Unsupported: nobody is inside here."""
        raise _no_accounts()

    async def get(self, project: str, token: str | None = None) -> SourceProject:
        """Return the project of a path."""
        _refuse_token(token)
        path = await asyncio.to_thread(self._find, project)
        return await self._read(path, lambda repository: self._describe(path, repository))

    async def tree(self, project: str, ref: str, token: str | None = None) -> AsyncIterator[list[TreeEntry]]:
        """Yield pages of all files at a branch, tag or commit, by path; symbolic links and submodules are left out."""
        _refuse_token(token)
        path = await asyncio.to_thread(self._find, project)
        async with self._open(path) as repository:
            with _reading(path):
                files = await _step(lambda: repository.files(repository.commit(ref)))
                while page := await _step(lambda: list(islice(files, TREE_PAGE))):
                    yield page

    async def measure(
        self, project: str, ref: str, files: Sequence[TreeEntry], token: str | None = None
    ) -> list[TreeEntry]:
        """Return the files as they were listed, which is all that there is to tell."""
        return list(files)

    @asynccontextmanager
    async def open(
        self, project: str, path: str, ref: str, start: int = 0, end: int | None = None, token: str | None = None
    ) -> AsyncIterator[SourceFile]:
        """Open a file at a branch, tag or commit."""
        _refuse_token(token)
        folder = await asyncio.to_thread(self._find, project)
        async with self._open(folder) as repository:
            with _reading(folder):
                found = await _step(lambda: repository.find(repository.commit(ref), path))
                first, last = min(start, found.size), found.size if end is None else min(end, found.size)
                chunks = await _step(lambda: repository.chunks(found, first, max(first, last)))
                early = await _step(lambda: next(chunks, None))
            yield SourceFile(
                found.size,
                first,
                max(first, last),
                _stream(folder, early, chunks),
                etag=found.sha256 or found.sha.decode(),
                sha256=found.sha256,
            )

    async def commit(self, project: str, ref: str, token: str | None = None) -> str:
        """Return the id of the commit that a branch, tag or commit names."""
        _refuse_token(token)
        path = await asyncio.to_thread(self._find, project)
        return await self._read(path, lambda repository: repository.commit(ref).id.decode())

    async def releases(self, project: str, token: str | None = None) -> list[Release]:
        """Return the tags, newest first: what an annotated one says is its name and description."""
        _refuse_token(token)
        path = await asyncio.to_thread(self._find, project)
        return await self._read(path, lambda repository: repository.releases())

    async def access(self, token: str) -> Account:
        """Raise Unsupported: there are no accounts."""
        raise _no_accounts()

    async def star(self, project: str, token: str, on: bool) -> None:
        """Raise Unsupported: there are no accounts."""
        raise _no_accounts()

    async def close(self) -> None:
        """Do nothing: no file stays open between two questions."""

    @property
    def _root(self) -> Path:
        try:
            return self._given.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise Unavailable(f"The folder of the source '{self.name}' cannot be read.") from error

    def _list_paths(self) -> list[Path]:
        """Return the repositories, by path; of two that would be called the same the first."""
        from mainspring.engines.sources.git_repository import is_repository

        root = self._root
        found: dict[str, Path] = {}

        def look(folder: Path, parts: int) -> None:
            try:
                inside = sorted(each.path for each in os.scandir(folder) if _may_hold_projects(each))
            except OSError as error:
                if folder == root:
                    raise Unavailable(f"The folder of the source '{self.name}' cannot be read.") from error
                log.warning("folder_skipped", source=self.name, folder=str(folder), reason=str(error))
                return
            for path in map(Path, inside):
                if not is_repository(path):
                    if parts < MAX_PARTS:
                        look(path, parts + 1)
                elif found.setdefault(_id_of(root, path), path) != path:
                    log.warning("repository_skipped", source=self.name, folder=str(path), reason="its name is taken")

        look(root, 1)
        return list(found.values())

    def _find(self, project: str) -> Path:
        """Return where the repository of a project lies. Raises NotFound, for all that is outside of the folder too."""
        from mainspring.engines.sources.git_repository import is_repository

        root, missing = self._root, NotFound(f"The source '{self.name}' has no project '{project[:200]}'.")
        parts = project.split("/")
        if len(parts) == 2 and parts[0] == root.name and not (root / project).exists():
            parts = parts[1:]
        if len(parts) > MAX_PARTS or any(not part or part.startswith(".") or "\0" in part for part in parts):
            raise missing
        for name in (parts[-1], f"{parts[-1]}.git"):
            path = root.joinpath(*parts[:-1], name)
            try:
                if path.resolve() == path and is_repository(path) and not _in_repository(root, path.parent):
                    return path
            except OSError as error:  # a name that is too long
                raise missing from error
        raise missing

    def _describe_all(self, paths: list[Path]) -> list[SourceProject]:
        found = []
        for path in paths:
            try:
                with _reading(path), self._repository(path) as repository:
                    found.append(self._describe(path, repository))
            except MainspringError as error:
                log.warning("repository_skipped", source=self.name, folder=str(path), reason=error.message)
        return [project for project in found if self._is_listed(project)]

    def _is_listed(self, project: SourceProject) -> bool:
        return not self._topics or any(topic.lower() in self._topics for topic in project.topics)

    def _describe(self, path: Path, repository: Repository) -> SourceProject:
        branch = repository.default_branch
        head = repository.commit(branch) if branch else None
        declared, changed_at = repository.declared(), repository.changed_at
        id = _id_of(self._root, path)
        return SourceProject(
            id=id,
            path=id if "/" in id else f"{self._root.name}/{id}",
            title=declared.title or id.rpartition("/")[2],
            description=repository.description(),
            visibility=declared.visibility,
            topics=declared.topics or (repository.topics(head) if head else ()),
            created_at=repository.created_at(head) if head else changed_at,
            changed_at=changed_at,
            url="",
            default_ref=branch,
        )

    def _repository(self, path: Path) -> Repository:
        from mainspring.engines.sources.git_repository import Repository

        return Repository(path, self._root)

    @asynccontextmanager
    async def _open(self, path: Path) -> AsyncIterator[Repository]:
        with _reading(path):
            repository = await _step(lambda: self._repository(path))
        try:
            yield repository
        finally:
            repository.close()

    async def _read(self, path: Path, ask: Callable[[Repository], _Result]) -> _Result:
        def answer() -> _Result:
            with _reading(path), self._repository(path) as repository:
                return ask(repository)

        return await asyncio.to_thread(answer)


def _times(paths: list[Path]) -> dict[Path, int]:
    """Return when each repository changed; one that is gone meanwhile is left out."""
    from mainspring.engines.sources.git_repository import changed_at

    times = {}
    for path in paths:
        try:
            times[path] = changed_at(path)
        except (OSError, ValueError) as error:
            log.warning("repository_skipped", folder=str(path), reason=str(error))
    return times


async def _stream(folder: Path, early: bytes | None, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while early is not None:
        yield early
        with _reading(folder):
            early = await _step(lambda: next(chunks, None))


async def _step(work: Callable[[], _Result]) -> _Result:
    """Do a bounded piece of work in a thread. Who is cancelled meanwhile waits for its end: files are closed then."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tell whatever a repository makes go wrong as what it is to who asks: the project cannot be read."""
    try:
        yield
    except (MainspringError, GeneratorExit):
        raise
    except Exception as error:
        log.warning("repository_unreadable", folder=str(path), reason=f"{type(error).__name__}: {error}")
        raise Unavailable("The project's repository cannot be read; the server's log tells more.") from error


def _may_hold_projects(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")


def _in_repository(root: Path, folder: Path) -> bool:
    from mainspring.engines.sources.git_repository import is_repository

    return any(is_repository(each) for each in (folder, *folder.parents) if each != root and root in each.parents)


def _id_of(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix().removesuffix(".git")


def _refuse_token(token: str | None) -> None:
    if token is not None:
        raise _no_accounts()


def _no_accounts() -> Unsupported:
    return Unsupported("A folder of repositories knows no accounts: it is read with the server's own eyes alone.")
