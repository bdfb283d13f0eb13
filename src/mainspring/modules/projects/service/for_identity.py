"""What identity, which stands below, asks about projects: their keys by path, and their paths by key."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.service.access import Place, find_place, no_project


class _Projects:
    """The projects of this database, as ``identity.Projects`` wants them."""

    def find_keys(self, tx: Connection, actor: Actor, paths: Sequence[str]) -> Sequence[int]:
        """Return the keys of projects by their paths. Raises NotFound for one that the actor may not read."""
        return [_visible_key(tx, actor, path) for path in paths]

    def find_paths(self, tx: Connection, keys: Collection[int]) -> dict[int, str]:
        """Return the paths of projects by their keys; those that are gone are left out."""
        found = {key: store.get_project(tx, key) for key in keys}
        return {key: project.path for key, project in found.items() if project and project.deleted_at is None}

    def forget_account(self, tx: Connection, key: int) -> None:
        """Take all roles of an account away, those by sources too, with what they know of it."""
        store.delete_grants_of(tx, "user", key)
        store.forget_user(tx, key)


def _visible_key(tx: Connection, actor: Actor, path: str) -> int:
    place = Place(path.lower())
    key = find_place(tx, place).key
    if not store.is_visible(tx, actor, key):
        raise no_project(place)
    return key


identity.register_projects(_Projects())
