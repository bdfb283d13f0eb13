"""Commands that are loaded when they are typed: to start the platform loads none of the others."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


def group_of(places: Mapping[str, str]) -> type[TyperGroup]:
    """Return a kind of group that has commands more than its own: ``places`` says where, as ``module:name``.

    A name is that of a ``Typer`` with commands, or of the function of one command.
    """

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Commands({**self.commands, **places})

    return Group


class _Commands(UserDict[str, Any]):
    """Commands by their names, of some only their places so far."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            found = self[name] = _load(name, found)
        return found


def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command
