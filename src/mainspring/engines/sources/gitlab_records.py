"""What GitLab's API tells of projects, their files and releases, and what that is for the catalog.

Fields that a GitLab of another version leaves out, or shows only to some, have what is safe in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct, field

from mainspring.engines.sources.gitlab_urls import shown
from mainspring.engines.sources.port import Level, Release, SourceProject, TreeEntry, Visibility

MAX_TEXT = 100_000
_LEVELS = sorted(Level)


class _Access(Struct):
    access_level: int | None = None


class _Permissions(Struct):
    project_access: _Access | None = None
    group_access: _Access | None = None


class _License(Struct):
    key: str | None = None


class RawProject(Struct):
    """A project as ``/projects`` and ``/projects/:id`` tell it; to nobody in particular they tell less."""

    id: int
    path_with_namespace: str
    name: str | None = None
    description: str | None = None
    visibility: str | None = None
    topics: list[str] | None = None
    created_at: datetime | None = None
    last_activity_at: datetime | None = None
    web_url: str | None = None
    default_branch: str | None = None
    empty_repo: bool | None = None
    archived: bool | None = None
    star_count: int | None = None
    license: _License | None = None
    avatar_url: str | None = None
    permissions: _Permissions | None = None


class RawTreeEntry(Struct):
    """A line of ``/projects/:id/repository/tree``."""

    path: str
    type: str
    mode: str = ""
    id: str = ""


class RawCommit(Struct):
    """A commit, as far as we ask."""

    id: str


class RawBranch(Struct):
    """A branch, as far as we ask."""

    name: str


class _Link(Struct):
    name: str = ""
    url: str = ""


class _Assets(Struct):
    links: list[_Link] = field(default_factory=list)


class RawRelease(Struct):
    """A release as ``/projects/:id/releases`` tells it; who may not see the code is told no commit."""

    tag_name: str
    name: str | None = None
    description: str | None = None
    released_at: datetime | None = None
    created_at: datetime | None = None
    commit: RawCommit | None = None
    assets: _Assets | None = None


def project_of(raw: RawProject, url: str, *, known: bool) -> SourceProject:
    """Return a project; ``url`` is GitLab's, and ``known`` says whether a token was sent."""
    created = _ms(raw.created_at)
    return SourceProject(
        id=str(raw.id),
        path=raw.path_with_namespace,
        title=raw.name or raw.path_with_namespace.rpartition("/")[2],
        description=raw.description or "",
        visibility=_visibility(raw.visibility, known=known),
        topics=tuple(raw.topics or ()),
        created_at=created,
        changed_at=_ms(raw.last_activity_at) or created,
        url=shown(raw.web_url) or f"{url}/{raw.path_with_namespace}",
        default_ref=None if raw.empty_repo else raw.default_branch or None,
        archived=bool(raw.archived),
        stars=max(raw.star_count or 0, 0),
        license=(raw.license.key or "") if raw.license else "",
        picture=shown(raw.avatar_url),
        level=_level(raw.permissions),
    )


def files_of(rows: list[RawTreeEntry]) -> list[TreeEntry]:
    """Return the files of a listing: neither folders, submodules nor symbolic links."""
    return [TreeEntry(row.path, version=row.id) for row in rows if row.type == "blob" and row.mode != "120000"]


def release_of(raw: RawRelease) -> Release:
    """Return a release, of a very long description the beginning."""
    links = raw.assets.links if raw.assets else []
    return Release(
        tag=raw.tag_name,
        name=raw.name or raw.tag_name,
        description=(raw.description or "")[:MAX_TEXT],
        released_at=_ms(raw.released_at) or _ms(raw.created_at),
        commit=raw.commit.id if raw.commit else "",
        links=tuple((link.name, link.url) for link in links if shown(link.url)),
    )


def time_of(ms: int) -> str:
    """Return a time in milliseconds since the epoch as GitLab takes it."""
    return datetime.fromtimestamp(max(ms, 0) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def header_of(headers: Mapping[str, str], name: str, digits: int) -> str:
    """Return the hexadecimal value of a header that has so many digits, empty where it is something else."""
    value = headers.get(name, "")
    return value if len(value) == digits and set(value) <= set("0123456789abcdef") else ""


def _visibility(told: str | None, *, known: bool) -> Visibility:
    if told is None and not known:
        # Older versions do not tell it to nobody, who is shown public projects alone.
        return Visibility.PUBLIC
    return Visibility(told) if told in set(Visibility) else Visibility.PRIVATE


def _level(permissions: _Permissions | None) -> Level | None:
    """Return the larger of both levels, or the next below one that is not known here."""
    if permissions is None:
        return None
    told = [access.access_level or 0 for access in (permissions.project_access, permissions.group_access) if access]
    return max(level for level in _LEVELS if level <= max(told, default=0)) if max(told, default=0) > 0 else Level.NONE


def _ms(at: datetime | None) -> int:
    if at is None or at.year < 1970:
        return 0
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
