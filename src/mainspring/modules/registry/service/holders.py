"""Which files must stay because versions refer to them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import store


def find_holders(tx: Connection, actor: Actor, locations: Mapping[str, str]) -> dict[str, str]:
    """Return by id which runs and logged models have files that a version refers to, and which version.

    ``locations`` are those of their files by id. A version that came of a run and has its files elsewhere, in
    a logged model say, does without the run.
    """
    actor.require(Permission.STORAGE_MANAGE)
    held: dict[str, str] = {}
    for name, version, source, *origins in store.find_references(tx, locations):
        for each, location in locations.items():
            if (each in origins and each in source) or (location and f"{source}/".startswith(f"{location}/")):
                held[each] = f"version {version} of the model '{name}' has its files there"
    return held
