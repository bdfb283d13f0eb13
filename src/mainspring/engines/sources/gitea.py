"""Gitea or Forgejo as a source of projects, by their REST API, version 1.

Tried against a double that was written from the documentation of that API; against no Gitea itself yet.

What is peculiar to it: topics have no colons, so ``sharinghub-aimodel`` is what marks a project; a listing of files
tells the size of an LFS pointer, so in repositories with LFS files of such a size have none; what a token may do is not
told, so that none counts as one that writes. Source: its ``/api/swagger``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from msgspec import Struct, field

from mainspring.engines.sources.gitea_http import GiteaHttp
from mainspring.engines.sources.port import (
    Account,
    Level,
    Release,
    SourceFile,
    SourceProject,
    TreeEntry,
    Visibility,
)
from mainspring.kit.errors import NotFound, Unavailable

if TYPE_CHECKING:
    import httpx

PAGE = 50
TREE_PAGE = 1_000
MAX_PAGES = 20_000
_POINTER_SIZES = range(100, 1025)
_REF = re.compile(r"(?!-)(?!.*(?:\.\.|@\{|//))[^\x00-\x20~^:?*\[\\\x7f]{1,250}")
_LINK = ("120000", "160000")

_T = TypeVar("_T")


class _Owner(Struct):
    login: str
    id: int = 0


class _Permissions(Struct):
    admin: bool = False
    push: bool = False
    pull: bool = False


class _Repository(Struct):
    id: int
    name: str
    full_name: str
    owner: _Owner
    created_at: datetime
    updated_at: datetime
    description: str = ""
    html_url: str = ""
    avatar_url: str = ""
    default_branch: str = ""
    empty: bool = False
    private: bool = False
    internal: bool = False
    archived: bool = False
    stars_count: int = 0
    topics: list[str] | None = None
    permissions: _Permissions | None = None


class _Found(Struct):
    data: list[_Repository]


class _Topics(Struct):
    topics: list[str] | None


class _Entry(Struct):
    path: str
    type: str
    sha: str
    mode: str = ""
    size: int = 0


class _Tree(Struct):
    tree: list[_Entry] | None = None
    truncated: bool = False


class _Commit(Struct):
    sha: str


class _Asset(Struct):
    name: str
    browser_download_url: str


class _Release(Struct):
    tag_name: str
    created_at: datetime
    name: str = ""
    body: str = ""
    draft: bool = False
    published_at: datetime | None = None
    assets: list[_Asset] = field(default_factory=list)


class _User(Struct):
    id: int
    login: str
    full_name: str = ""
    email: str = ""
    is_admin: bool = False
    restricted: bool = False


class GiteaSource:
    """The source of a Gitea or Forgejo."""

    def __init__(self, url: str, token: str, topics: tuple[str, ...]) -> None:
        self._http = GiteaHttp(url, token)
        self.name = f"gitea:{self._http.url}"
        self._topics = frozenset(topic.lower() for topic in topics)

    async def list_changed(self, since: int | None, token: str | None = None) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects of these topics: those that changed by time, newest first, all of them by id."""
        params = {"q": ",".join(sorted(self._topics)), "topic": "true"} if self._topics else {}
        params |= {"sort": "id", "order": "asc"} if since is None else {"sort": "updated", "order": "desc"}
        async for page in self._pages(_Found, "repos/search", token, params):
            changed = [each for each in page.data if since is None or _ms(each.updated_at) >= since]
            found = [await self._project(each, token) for each in changed]
            if listed := [each for each in found if self._is_listed(each)]:
                yield listed
            if len(changed) < len(page.data) or not page.data:
                return

    async def list_own(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects that the token's account owns or works in, of these topics."""
        account = await self.access(token)
        async for page in self._pages(list[_Repository], "user/repos", token, {}):
            found = [await self._project(each, token, account.name) for each in page]
            if listed := [each for each in found if self._is_listed(each)]:
                yield listed
            if not page:
                return

    async def list_internal(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the internal projects of these topics."""
        async for page in self.list_changed(None, token):
            if listed := [each for each in page if each.visibility is Visibility.INTERNAL]:
                yield listed

    async def get(self, project: str, token: str | None = None) -> SourceProject:
        """Return the project of an id or a path, also of a path that it had before."""
        return await self._project(await self._repository(project, token), token)

    async def tree(self, project: str, ref: str, token: str | None = None) -> AsyncIterator[list[TreeEntry]]:
        """Yield pages of all files at a branch, tag or commit, by path; links and submodules are left out."""
        path = await self._path(project, token)
        sha = await self._commit(path, ref, token)
        large = False
        async for page in self._pages(_Tree, f"{path}/git/trees/{sha}", token, {"recursive": "true"}, TREE_PAGE):
            files = [each for each in page.tree or () if each.type == "blob" and each.mode not in _LINK]
            large = large or any(each.path == ".gitattributes" for each in files)
            yield [
                TreeEntry(each.path, None if large and each.size in _POINTER_SIZES else each.size, version=each.sha)
                for each in files
            ]
            if not page.truncated:
                return

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
        folder = await self._path(project, token)
        sha = await self._commit(folder, ref, token)
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise NotFound(f"There is no file '{path[:200]}' in the project.")
        url = f"{folder}/media/{'/'.join(quote(part, safe='') for part in parts)}"
        asked = "" if start == 0 and end is None else f"bytes={start}-{'' if end is None else max(start, end - 1)}"
        async with self._http.open("GET", url, token, {"ref": sha}, asked) as response:
            given, size = _given(response)
            last = size if end is None else min(max(start, end), size)
            first = min(start, last)
            yield SourceFile(
                size,
                first,
                last,
                _part(self._http.chunks(response), given, first, last),
                etag=response.headers.get("etag", "").removeprefix("W/").strip('"'),
            )

    async def commit(self, project: str, ref: str, token: str | None = None) -> str:
        """Return the id of the commit that a branch, tag or commit names."""
        return await self._commit(await self._path(project, token), ref, token)

    async def releases(self, project: str, token: str | None = None) -> list[Release]:
        """Return the releases that are published, newest first."""
        path = await self._path(project, token)
        found: list[_Release] = []
        async for page in self._pages(list[_Release], f"{path}/releases", token, {}):
            found += page
            if not page:
                break
        releases = [
            Release(
                each.tag_name,
                each.name or each.tag_name,
                each.body,
                _ms(each.published_at or each.created_at),
                links=tuple((asset.name, _shown(asset.browser_download_url)) for asset in each.assets),
            )
            for each in found
            if not each.draft
        ]
        return sorted(releases, key=lambda release: (-release.released_at, release.tag))

    async def access(self, token: str) -> Account:
        """Return whose token it is."""
        user = await self._http.get(_User, "user", token, {})
        return Account(
            str(user.id),
            user.login,
            user.full_name or user.login,
            user.email,
            inside=not user.restricted,
            writes=False,
            is_admin=user.is_admin,
        )

    async def star(self, project: str, token: str, on: bool) -> None:
        """Star a project as the token's account, or take the star back."""
        path = await self._path(project, token)
        await self._http.send("PUT" if on else "DELETE", f"user/starred/{path.removeprefix('repos/')}", token)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def _pages(
        self, kind: type[_T], path: str, token: str | None, params: dict[str, str], size: int = PAGE
    ) -> AsyncIterator[_T]:
        """Yield pages until nobody asks for another one: a server may have smaller ones than are asked for."""
        for page in range(1, MAX_PAGES):
            yield await self._http.get(kind, path, token, {**params, "page": page, "limit": size, "per_page": size})

    async def _repository(self, project: str, token: str | None) -> _Repository:
        return await self._http.get(_Repository, _place(project), token, {})

    async def _path(self, project: str, token: str | None) -> str:
        """Return where a project is in the API: by its id it is looked up, since only its path has files."""
        place = _place(project)
        if place.startswith("repos/"):
            return place
        return _place((await self._repository(project, token)).full_name)

    async def _commit(self, path: str, ref: str, token: str | None) -> str:
        if not _REF.fullmatch(ref):
            raise NotFound(f"There is no branch, tag or commit '{ref[:200]}'.")
        params: dict[str, str | int] = {"sha": ref, "limit": 1}
        params |= dict.fromkeys(("stat", "verification", "files"), "false")
        found = await self._http.get(list[_Commit], f"{path}/commits", token, params)
        if not found or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found[0].sha):
            raise NotFound(f"There is no branch, tag or commit '{ref[:200]}'.")
        return found[0].sha

    async def _project(self, found: _Repository, token: str | None, account: str = "") -> SourceProject:
        topics = found.topics
        if topics is None:  # older releases tell them apart
            path = f"{_place(found.full_name)}/topics"
            topics = (await self._http.get(_Topics, path, token, {"limit": PAGE})).topics or []
        return SourceProject(
            id=str(found.id),
            path=found.full_name,
            title=found.name,
            description=found.description,
            visibility=_visibility(found),
            topics=tuple(topics),
            created_at=_ms(found.created_at),
            changed_at=_ms(found.updated_at),
            url=_shown(found.html_url),
            default_ref=None if found.empty else found.default_branch or None,
            archived=found.archived,
            stars=found.stars_count,
            picture=_shown(found.avatar_url),
            level=_level(found, account) if account else None,
        )

    def _is_listed(self, project: SourceProject) -> bool:
        return not self._topics or any(topic.lower() in self._topics for topic in project.topics)


def _place(project: str) -> str:
    """Return where a project is in the API. Raises NotFound for what none can be called."""
    if re.fullmatch(r"[0-9]{1,18}", project, re.ASCII):
        return f"repositories/{project}"
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", project, re.ASCII) or {".", ".."} & set(project.split("/")):
        raise NotFound(f"There is no project '{project[:200]}'.")
    return f"repos/{project}"


def _visibility(found: _Repository) -> Visibility:
    if found.private:
        return Visibility.PRIVATE
    return Visibility.INTERNAL if found.internal else Visibility.PUBLIC


def _level(found: _Repository, account: str) -> Level:
    may = found.permissions or _Permissions()
    if may.admin:
        return Level.OWNER if found.owner.login == account else Level.MAINTAINER
    if may.push:
        return Level.DEVELOPER
    return Level.REPORTER if may.pull else Level.NONE


def _given(response: httpx.Response) -> tuple[int, int]:
    """Return where the bytes of an answer begin, and how many all of the file are. Raises Unavailable."""
    told = response.headers.get("content-range", "")
    if response.status_code in (206, 416):
        match = re.fullmatch(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18})", told, re.ASCII)
        if match:
            return int(match[1] or match[2]), int(match[2])
    elif (length := response.headers.get("content-length", "")).isdigit():
        return 0, int(length)
    raise Unavailable("Gitea does not tell how long the file is.")


async def _part(chunks: AsyncIterator[bytes], at: int, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes from ``start`` to ``end`` of chunks that begin at ``at``: ranges may have been passed over."""
    if start >= end:
        return
    async for chunk in chunks:
        if wanted := chunk[max(0, start - at) : max(0, end - at)]:
            yield wanted
        at += len(chunk)
        if at >= end:
            return
    raise Unavailable("The answer of Gitea is shorter than it says.")


def _shown(url: str) -> str:
    """Return an address that may be linked to; else nothing."""
    parts = urlsplit(url) if url.isprintable() and " " not in url else urlsplit("")
    return url if parts.scheme in ("http", "https") and parts.hostname and not parts.username else ""


def _ms(time: datetime) -> int:
    return max(0, int(time.timestamp() * 1000))
