"""Projects by the names that people know them by: the module of projects, which stands above, says how."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import Unsupported


class Projects(Protocol):
    """What identity asks about projects."""

    def find_keys(self, tx: Connection, actor: Actor, paths: Sequence[str]) -> Sequence[int]:
        """Return the keys of projects by their paths. Raises NotFound for one that the actor may not read."""

    def find_paths(self, tx: Connection, keys: Collection[int]) -> dict[int, str]:
        """Return the paths of projects by their keys; those that are gone are left out."""

    def forget_account(self, tx: Connection, key: int) -> None:
        """Take all roles of an account away, which is deleted."""


_known: list[Projects] = []


def register_projects(projects: Projects) -> None:
    """Have projects found by ``projects`` from now on."""
    _known[:] = [projects]


def find_keys(tx: Connection, actor: Actor, paths: Sequence[str]) -> frozenset[int]:
    """Return the keys of projects by their paths. Raises NotFound."""
    return frozenset(_projects().find_keys(tx, actor, paths))


def find_paths(tx: Connection, keys: Collection[int]) -> list[str]:
    """Return the paths of projects by their keys."""
    return sorted(_projects().find_paths(tx, keys).values()) if keys else []


def forget_account(tx: Connection, key: int) -> None:
    """Take all roles of an account away, which is deleted."""
    for each in _known:
        each.forget_account(tx, key)


def _projects() -> Projects:
    if not _known:
        raise Unsupported("This program knows no projects.")
    return _known[0]
