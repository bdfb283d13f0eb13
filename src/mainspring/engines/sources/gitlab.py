"""``gitlab:URL``: the projects of a GitLab, by its REST API v4 and the batch API of git LFS.

Projects are listed by topic, in pages that hold however many there are (keyset). A pass for changes asks once, for the
activity since, and looks at the topics here; only where that is more than a page does it ask by topic. What such a pass
sees, and what later, is said in ``gitlab_changes.py``. API: https://docs.gitlab.com/api/rest/.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from mainspring.engines.sources.gitlab_access import account_of
from mainspring.engines.sources.gitlab_blobs import Blobs
from mainspring.engines.sources.gitlab_changes import RecentChanges
from mainspring.engines.sources.gitlab_files import open_file
from mainspring.engines.sources.gitlab_http import Call, GitlabHttp, Limits
from mainspring.engines.sources.gitlab_records import (
    RawBranch,
    RawCommit,
    RawProject,
    RawRelease,
    RawTreeEntry,
    files_of,
    project_of,
    release_of,
    time_of,
)
from mainspring.engines.sources.port import Account, Level, Release, SourceFile, SourceProject, TreeEntry, Visibility
from mainspring.kit.errors import NotFound
from mainspring.kit.time import now_ms

if TYPE_CHECKING:
    import httpx

PER_PAGE = 100
RELEASES_PER_PAGE = 20
MAX_RELEASE_PAGES = 50
MAX_TREE_PAGES = 10_000
MAX_PATHS = 10_000
ASKED_LEVELS = (Level.OWNER, Level.MAINTAINER, Level.DEVELOPER, Level.REPORTER, Level.GUEST)
STARRED, STARRED_ALREADY = 201, 304


class GitlabSource:
    """A GitLab; ``token`` is by which it is read for everyone, empty for what it shows without one."""

    def __init__(
        self,
        url: str,
        token: str,
        topics: Sequence[str],
        *,
        limits: Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = GitlabHttp(url, token, limits or Limits(), transport)
        self.name = f"gitlab:{self._http.url}"
        self._has_token = bool(token)
        self._topics = tuple(dict.fromkeys(topics))
        self._recent = RecentChanges()
        self._paths: OrderedDict[str, str] = OrderedDict()
        self._blobs = Blobs(self._http)

    async def list_changed(self, since: int | None, token: str | None = None) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects of our topics that were active since a time (ms), or of all of them."""
        if not self._topics:
            return
        if since is None:
            async for projects in self._by_topic({}, token):
                yield projects
            return
        # What one is told is not what another is: our own passes alone are remembered.
        recent, now = self._recent if token is None else RecentChanges(), now_ms()
        active = {"last_activity_after": time_of(recent.begin(since))}
        page = await self._http.page(list[RawProject], self._listing(active, token))
        told = [self._project(row, token) for row in page.rows]
        pages = self._by_topic(active, token) if page.following else self._of_our_topics(told)
        async for projects in pages:
            if news := recent.news(projects, now):
                yield news
            # Who did not come back for more may have failed, and is told again.
            recent.told(news, now)
        recent.end(page.told_at or max((each.changed_at for each in told), default=0), now)

    async def list_own(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects that the token's account is a member of, each with its level.

        GitLab's list says the level of members of the project and of its own group. Of those who are members by a group
        further up, or by one that was invited, it is found by asking for the projects of each level.
        """
        async for rows in self._http.pages(list[RawProject], self._listing({"membership": "true"}, token)):
            projects = [self._project(row, token) for row in rows]
            levels = {each.id: each.level for each in projects if each.level}
            if len(levels) < len(projects):
                levels = await self._levels(rows, token) | levels
            yield [replace(each, level=levels.get(each.id, Level.NONE)) for each in projects]

    async def list_internal(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the internal projects of our topics."""
        async for projects in self._by_topic({"visibility": Visibility.INTERNAL.value}, token):
            yield [each for each in projects if each.visibility is Visibility.INTERNAL]

    async def get(self, project: str, token: str | None = None) -> SourceProject:
        """Return the project of an id, or of a path, also of one that it had before."""
        return self._project(await self._http.get(RawProject, self._call(project, "", token, license="true")), token)

    async def tree(self, project: str, ref: str, token: str | None = None) -> AsyncIterator[list[TreeEntry]]:
        """Yield pages of all files at a branch, tag or commit; an empty project has none at any."""
        _check_ref(ref)
        what = f"files of the project '{project}' at '{ref}'"
        call = self._call(
            project, "/repository/tree", token, what, ref=ref, recursive="true", pagination="keyset", per_page=PER_PAGE
        )
        try:
            async for rows in self._http.pages(list[RawTreeEntry], call, MAX_TREE_PAGES):
                if files := files_of(rows):
                    yield files
        except NotFound:
            # GitLab names a branch of projects without files, too, and then does not know it.
            branches = self._call(project, "/repository/branches", token, what, per_page=1)
            if await self._http.get(list[RawBranch], branches):
                raise

    async def measure(
        self, project: str, ref: str, files: Sequence[TreeEntry], token: str | None = None
    ) -> list[TreeEntry]:
        """Return files with their sizes, of large-file storage (LFS) those of the file itself and its SHA-256."""
        _check_ref(ref)

        def raw(entry: TreeEntry) -> Call:
            return self._raw(project, entry.path, ref, token)

        await self._blobs.learn(await self._path_of(project, token), ref, files, raw, token)
        return [self._blobs.known(each) for each in files]

    @asynccontextmanager
    async def open(
        self, project: str, path: str, ref: str, start: int = 0, end: int | None = None, token: str | None = None
    ) -> AsyncIterator[SourceFile]:
        """Open a file at a branch, tag or commit: of large-file storage (LFS) the file itself, not its pointer."""
        _check_ref(ref)
        _check_path(path)
        raw = self._raw(project, path, ref, token)
        async with open_file(self._http, raw, lambda: self._path_of(project, token), start, end) as file:
            yield file

    async def commit(self, project: str, ref: str, token: str | None = None) -> str:
        """Return the id of the commit that a branch, tag or commit names."""
        _check_ref(ref)
        what = f"commit '{ref}' of the project '{project}'"
        call = self._call(project, f"/repository/commits/{quote(ref, safe='')}", token, what, stats="false")
        return (await self._http.get(RawCommit, call)).id

    async def releases(self, project: str, token: str | None = None) -> list[Release]:
        """Return the releases, newest first, at most the 1,000 newest."""
        what = f"releases of the project '{project}'"
        call = self._call(project, "/releases", token, what, per_page=RELEASES_PER_PAGE)
        pages = self._http.pages(list[RawRelease], call, MAX_RELEASE_PAGES)
        found = [release_of(raw) async for rows in pages for raw in rows]
        return sorted(found, key=lambda release: release.released_at, reverse=True)

    async def access(self, token: str) -> Account:
        """Return whose token it is. Raises Unauthenticated where it is no good, or reads no projects."""
        return await account_of(self._http, token)

    async def star(self, project: str, token: str, on: bool) -> None:
        """Star a project as the token's account, or take the star back; to do so twice changes nothing."""
        call = self._call(project, "/star" if on else "/unstar", token, f"star of the project '{project}'", "POST")
        answer = await self._http.answer(call)
        if answer.status not in (STARRED, STARRED_ALREADY):
            raise self._http.refusal(call, answer)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def _by_topic(self, params: Mapping[str, str], token: str | None) -> AsyncIterator[list[SourceProject]]:
        """Yield each project under the first of our topics that it has."""
        for position, topic in enumerate(self._topics):
            call = self._listing({**params, "topic": topic}, token)
            before = self._topics[:position]
            async for rows in self._http.pages(list[RawProject], call):
                projects = (self._project(row, token) for row in rows)
                yield [each for each in projects if not _has_one(each, before)]

    async def _of_our_topics(self, projects: list[SourceProject]) -> AsyncIterator[list[SourceProject]]:
        yield [each for each in projects if _has_one(each, self._topics)]

    async def _levels(self, rows: Sequence[RawProject], token: str) -> dict[str, Level]:
        """Return the levels that an account has in the projects of a page, at least guest."""
        ids = [row.id for row in rows]
        bounds = {"membership": "true", "id_after": str(min(ids) - 1), "id_before": str(max(ids) + 1), "simple": "true"}
        found: dict[str, Level] = {}
        for level in ASKED_LEVELS:
            call = self._listing({**bounds, "min_access_level": str(int(level))}, token)
            for row in (await self._http.page(list[RawProject], call)).rows:
                found.setdefault(str(row.id), level)
            if len(found) >= len(rows):
                break
        return found

    def _listing(self, params: Mapping[str, str], token: str | None) -> Call:
        ordered = {"pagination": "keyset", "order_by": "id", "sort": "asc", "per_page": str(PER_PAGE)}
        return Call("projects", f"{self._http.api}/projects", token, {**params, **ordered})

    def _call(
        self, project: str, rest: str, token: str | None, what: str = "", method: str = "GET", **params: str | int
    ) -> Call:
        if project in ("", ".", "..") or not project.isprintable():
            raise NotFound(f"GitLab shows no project '{project[:200]}'.")
        url = f"{self._http.api}/projects/{quote(project, safe='')}{rest}"
        values = {name: str(value) for name, value in params.items()}
        return Call(what or f"project '{project}'", url, token, values, method)

    def _raw(self, project: str, path: str, ref: str, token: str | None) -> Call:
        what = f"file '{path}' of the project '{project}' at '{ref}'"
        return self._call(project, f"/repository/files/{quote(path, safe='')}/raw", token, what, ref=ref)

    def _project(self, raw: RawProject, token: str | None) -> SourceProject:
        self._paths[str(raw.id)] = raw.path_with_namespace
        self._paths.move_to_end(str(raw.id))
        if len(self._paths) > MAX_PATHS:
            self._paths.popitem(last=False)
        project = project_of(raw, self._http.url, known=token is not None or self._has_token)
        # What our own token may do is nothing that everyone may.
        return project if token is not None else replace(project, level=None)

    async def _path_of(self, project: str, token: str | None) -> str:
        """Return the path of a project, by which its large files are asked for."""
        if not project.isdigit():
            return project
        return self._paths.get(project) or (await self.get(project, token)).path


def _has_one(project: SourceProject, topics: Sequence[str]) -> bool:
    """Return whether a project has one of the topics, which GitLab compares without case."""
    return not {topic.lower() for topic in topics}.isdisjoint(topic.lower() for topic in project.topics)


def _check_ref(ref: str) -> None:
    """Raise NotFound for what git takes for no name of a branch, tag or commit."""
    if not ref or not ref.isprintable() or ref.startswith("-") or ref == "." or ".." in ref or len(ref) > 1000:
        raise NotFound(f"There is no branch, tag or commit '{ref[:200]}'.")


def _check_path(path: str) -> None:
    """Raise NotFound for what cannot be the path of a file."""
    if "\0" in path or len(path) > 4096 or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise NotFound(f"There is no file '{path[:200]}'.")
