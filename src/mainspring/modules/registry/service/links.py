"""What the catalog shows of registered models: the newest and the aliased versions of many projects' models."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.projects import service as projects
from mainspring.modules.registry.service.sources import run_of
from mainspring.modules.registry.store import links as store
from mainspring.modules.registry.store.links import VersionRow
from mainspring.modules.tracking import service as tracking

MAX_LINKED = 10
"""So many registered models of a project are shown with it, those that changed last."""


@dataclass(frozen=True, slots=True)
class LinkedVersion:
    """A version; ``location`` is the folder, or file, in which it lies, "" where that is not known any more."""

    version: int
    stage: str
    aliases: tuple[str, ...]
    run_id: str | None
    model_id: str | None
    location: str
    created_at: int


@dataclass(frozen=True, slots=True)
class LinkedModel:
    """A registered model with its newest version and those that have aliases, the newest first."""

    project: int
    name: str
    versions: tuple[LinkedVersion, ...]


def linked_models(tx: Connection, actor: Actor, keys: Collection[int]) -> list[LinkedModel]:
    """Return the registered models with versions of projects, prompts left out, the last changed first.

    Those of projects whose registry the actor may not read are left out. Everyone who sees a project may, but
    by a credential that is limited to other things.
    """
    if not keys or not (actor.limits is None or Permission.REGISTRY_READ in actor.limits):
        return []
    models = store.find_newest_models(tx, keys, projects.visible_projects(tx, actor), MAX_LINKED)
    if not models:
        return []
    wanted = [model.key for model in models]
    versions = {row.key: row for row in store.find_newest_versions(tx, wanted)}
    aliases: dict[int, list[str]] = {}
    for alias, row in store.find_aliases(tx, wanted):
        versions[row.key] = row
        aliases.setdefault(row.key, []).append(alias)
    owners = {model.key: model.project for model in models}
    locations = _locate(tx, versions.values(), owners)
    of_model: dict[int, list[LinkedVersion]] = {}
    for row in sorted(versions.values(), key=lambda each: -each.version):
        of_model.setdefault(row.model, []).append(_linked(row, aliases.get(row.key, []), locations[row.key]))
    return [LinkedModel(each.project, each.name, tuple(of_model[each.key])) for each in models if each.key in of_model]


def _linked(row: VersionRow, aliases: list[str], location: str) -> LinkedVersion:
    return LinkedVersion(
        row.version, row.stage, tuple(aliases), row.run_id or None, row.model_id, location, row.created_at
    )


def _locate(tx: Connection, versions: Iterable[VersionRow], owners: dict[int, int]) -> dict[int, str]:
    """Return by key where the files of versions are; those of a run's (``runs:/…``) are below the run's."""
    parts = {row.key: (row, urlsplit(row.location)) for row in versions}
    runs = {run_of(each) for _, each in parts.values() if each.scheme == "runs"}
    folders = tracking.locate_runs(tx, runs)
    found = {}
    for key, (row, each) in parts.items():
        found[key] = row.location
        if each.scheme == "runs":
            run_id = run_of(each)
            project, folder = folders.get(run_id, (None, ""))
            inner = each.path.removeprefix(f"/{run_id}").strip("/")
            found[key] = f"{folder.rstrip('/')}/{inner}".rstrip("/") if project == owners[row.model] else ""
    return found
