"""Projects that are kept elsewhere: each has a project here, by itself, that follows what its source says of it.

What a source decides (path, visibility, description, topics, whether it is archived) is changed there. What is tracked
here stays, whatever becomes of the project there: one that its source shows nobody any more is archived and private.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.engines.sources import SourceProject
from mainspring.kit.actors import SYSTEM
from mainspring.kit.errors import FailedPrecondition, InvalidArgument
from mainspring.kit.events import Event, publish
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.schemas import ProjectUpdate, Visibility
from mainspring.modules.projects.service import names
from mainspring.modules.projects.service.namespaces import add_namespace
from mainspring.modules.projects.service.workspaces import free_workspace
from mainspring.modules.projects.store import ProjectRecord, origins
from mainspring.modules.projects.store.origins import GONE, Mirror, Origin, SourceRecord

MAX_ID = 200
MAX_PATH = 400
DECIDED = ("path", "visibility", "description", "topics", "archived")
"""The fields of a project that its source decides."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The project of one that is kept elsewhere, by its key here, and whether anything is other than was known."""

    key: int
    external_id: str
    changed: bool


def know_source(tx: Connection, name: str) -> SourceRecord:
    """Return a source by its name, ``<kind>:<URL>``; what was never read before is put in."""
    found = origins.find_source(tx, name)
    if found is None:
        origins.insert_source(tx, name, name.partition(":")[0])
        found = origins.find_source(tx, name)
    assert found is not None
    return found


def mirror_projects(
    tx: Connection,
    source: SourceRecord,
    told: Sequence[SourceProject],
    wanted: Collection[str] | None = None,
    *,
    shown: bool | None = True,
) -> list[Mirrored]:
    """Bring the projects of which a source tells into step, and return them.

    Projects of the ids ``wanted`` come to be where there is none, all of them where that is left out. Those that are
    deleted here are left as they are. ``shown`` says whether the source's own token is shown them, None that it is not
    known, since a member was told.
    """
    known = origins.find_mirrors(tx, source.key, [each.id for each in told])
    topics = store.topics_of(tx, [mirror.origin.project for mirror in known.values()])
    now, access, found = now_ms(), False, []
    for project in told:
        mirror = known.get(project.id)
        if mirror is None and _is_id(project.id) and (wanted is None or project.id in wanted):
            key, opened = _create(tx, source, project, bool(shown), now)
            found.append(Mirrored(key, project.id, changed=True))
            access = access or opened
        elif mirror is not None and mirror.deleted_at is None:
            key, origin = mirror.origin.project, mirror.origin
            done = _update(tx, source, mirror, topics[key], project, origin.shown if shown is None else shown, now)
            known_of = origin.seen_at != GONE and origin.changed_at == project.changed_at
            found.append(Mirrored(key, project.id, changed=not known_of or done is not None))
            access = access or bool(done)
    origins.note_seen(tx, [each.key for each in found], now)
    if access:
        identity.change_access(tx)
    return found


def _create(tx: Connection, source: SourceRecord, project: SourceProject, shown: bool, now: int) -> tuple[int, bool]:
    """Make the project of one that is kept elsewhere, and return its key and whether anybody's access changes."""
    namespace, name = _free_path(tx, source, project)
    values = {
        "namespace": _namespace(tx, namespace),
        "name": name,
        "workspace": free_workspace(tx, namespace, name),
        "visibility": project.visibility.value,
        "description": _description(project),
        "readme": "",
        "created_by": SYSTEM.name,
        "created_at": project.created_at,
        "updated_at": now,
        "archived_at": now if project.archived else None,
        "source": source.key,
    }
    key = store.insert_project(tx, values)
    moved_away = store.free_path(tx, f"{namespace}/{name}")
    store.set_topics(tx, key, _topics(project))
    there = _there(project, shown)
    origins.insert_origin(tx, Origin(key, source.key, project.id, seen_at=now, **there))
    told = _told(f"{namespace}/{name}", project.visibility, _description(project), _topics(project), project.archived)
    publish(tx, Event("project.create", f"{namespace}/{name}", SYSTEM, key, after=told))
    return key, moved_away or project.visibility.value != Visibility.PUBLIC


def _update(
    tx: Connection,
    source: SourceRecord,
    mirror: Mirror,
    topics: list[str],
    project: SourceProject,
    shown: bool,
    now: int,
) -> bool | None:
    """Bring a project into step with its source, and return whether anybody's access changes, None if nothing does."""
    origin, key = mirror.origin, mirror.origin.project
    values: dict[str, Any] = {}
    if mirror.visibility != project.visibility:
        values["visibility"] = project.visibility.value
    if (mirror.archived_at is not None) != project.archived:
        values["archived_at"] = now if project.archived else None
    if mirror.description != _description(project):
        values["description"] = _description(project)
    path = mirror.path
    if _fitted(source, project) != path:
        path, moved = _moved(tx, source, mirror, project, now)
        values |= moved
    there = _there(project, shown)
    if any(getattr(origin, name) != value for name, value in there.items()):
        origins.update_origin(tx, key, **there)
    if not values and topics == _topics(project):
        return None
    store.update_project(tx, key, updated_at=now, **values)
    if topics != _topics(project):
        store.set_topics(tx, key, _topics(project))
    before = _told(mirror.path, mirror.visibility, mirror.description, topics, mirror.archived_at is not None)
    after = _told(path, project.visibility, _description(project), _topics(project), project.archived)
    publish(tx, Event("project.update", path, SYSTEM, key, before, after))
    return bool(values.keys() - {"description"})


def _moved(
    tx: Connection, source: SourceRecord, mirror: Mirror, project: SourceProject, now: int
) -> tuple[str, dict[str, Any]]:
    """Return the path that a project gets which its source calls otherwise, with its columns; the old one leads on."""
    namespace, name = _free_path(tx, source, project, mirror.path)
    path = f"{namespace}/{name}"
    if path == mirror.path:
        return path, {}
    store.free_path(tx, path)
    store.keep_path(tx, mirror.path, mirror.origin.project)
    return path, {"namespace": _namespace(tx, namespace), "name": name}


def hide_project(tx: Connection, key: int) -> None:
    """Take a project out of sight that its source shows nobody any more: nothing that is tracked in it is lost.

    It is archived and private, and roles that the source gave are gone; members of its own here see it.
    """
    project, origin = store.get_project(tx, key), origins.get_origin(tx, key)
    if project is None or origin is None or origin.seen_at == GONE:
        return
    now = now_ms()
    origins.update_origin(tx, key, seen_at=GONE)
    origins.drop_roles(tx, key)
    archived_at = now if project.archived_at is None else project.archived_at
    store.update_project(tx, key, updated_at=now, visibility=Visibility.PRIVATE.value, archived_at=archived_at)
    topics = store.topics_of(tx, [key])[key]
    before = _told(project.path, project.visibility, project.description, topics, project.archived_at is not None)
    after = _told(project.path, Visibility.PRIVATE, project.description, topics, archived=True)
    publish(tx, Event("project.update", project.path, SYSTEM, key, before, after))
    identity.change_access(tx)


def check_not_decided_elsewhere(tx: Connection, project: ProjectRecord, change: ProjectUpdate) -> None:
    """Raise FailedPrecondition for a change of what the project's source decides, as long as it shows the project."""
    origin = origins.get_origin(tx, project.key)
    changed = [name for name in DECIDED if getattr(change, name) is not UNSET]
    if origin is None or origin.seen_at == GONE or not changed:
        return
    what = " and ".join(changed)
    raise FailedPrecondition(
        f"'{project.path}' is kept at {origin.url}: its {what} {'is' if len(changed) == 1 else 'are'} changed there.",
        field=changed[0],
    )


def check_gone_elsewhere(tx: Connection, project: ProjectRecord) -> None:
    """Raise FailedPrecondition for a project that its source still shows: it would come again.

    Administrators may delete it all the same: the source may be one that is read no more.
    """
    origin = origins.get_origin(tx, project.key)
    if origin is not None and origin.seen_at != GONE:
        raise FailedPrecondition(f"'{project.path}' is kept at {origin.url}: delete it there, or take its topics away.")


def _free_path(tx: Connection, source: SourceRecord, project: SourceProject, own: str | None = None) -> tuple[str, str]:
    """Return the namespace and name that a project gets here: as its source has them, or with its id behind.

    ``own`` is the path that it has already.
    """
    wanted = _fitted(source, project)
    path, number = wanted, 1
    while path != own and store.find_project(tx, path) is not None:
        behind = _segment(project.id)[:40] + (f"-{number}" if number > 1 else "")
        namespace, _, name = wanted.rpartition("/")
        path, number = f"{namespace}/{name[: 98 - len(behind)]}-{behind}", number + 1
    namespace, _, name = path.rpartition("/")
    return namespace, name


def _fitted(source: SourceRecord, project: SourceProject) -> str:
    """Return the path of a project there as one that a project may have here."""
    parts = [_segment(part) for part in project.path.split("/") if part]
    path = "/".join(parts if len(parts) > 1 else [source.kind, *parts])
    try:
        namespace, name = names.check_path(path)
    except InvalidArgument:  # too long, or too deep
        namespace, name = source.kind, _segment(project.id)
    return f"{namespace}/{name}"


def _segment(text: str) -> str:
    """Return a text as a part of a path here."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).lstrip(".-")[:99].rstrip(".")
    return f"{kept}_" if not kept or kept in names.RESERVED else kept


def _namespace(tx: Connection, name: str) -> int:
    """Return the key of a namespace, which is made where it is missing, with those that it lies below.

    Otherwise anyone could make one above it.
    """
    parts, key = name.split("/"), 0
    for end in range(1, len(parts) + 1):
        above = "/".join(parts[:end])
        found = store.find_namespace(tx, above)
        key = found.key if found else add_namespace(tx, above, identity.owner_of_name(tx, above))
    return key


def _is_id(text: str) -> bool:
    return 0 < len(text) <= MAX_ID and text.isprintable()


def _there(project: SourceProject, shown: bool) -> dict[str, Any]:
    """Return what is known of a project where it is kept."""
    path = clean_text(project.path)[:MAX_PATH]
    return {"external_path": path, "url": clean_text(project.url), "changed_at": project.changed_at, "shown": shown}


def _description(project: SourceProject) -> str:
    return clean_text(project.description)[: names.MAX_TEXT]


def _topics(project: SourceProject) -> list[str]:
    """Return the topics of a project as they may stand here: those of other shapes are left out."""
    good = {topic for topic in project.topics if topic.strip() and topic.isprintable() and len(topic) <= 100}
    return sorted(good)[: names.MAX_TOPICS]


def clean_text(text: str) -> str:
    """Return a text of somewhere else as every database can keep it."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _told(path: str, visibility: str, description: str, topics: list[str], archived: bool) -> dict[str, Any]:
    """Return what an act tells of a project."""
    return {
        "path": path,
        "visibility": str(visibility),
        "description": description,
        "topics": topics,
        "archived": archived,
    }
