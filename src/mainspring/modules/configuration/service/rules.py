"""What documents and secrets may be called, where they stand, and who may change them there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.names import check_text
from mainspring.kit.permissions import Permission
from mainspring.modules.configuration.schemas import Environment
from mainspring.modules.configuration.store.documents import INSTANCE, Place

MAX_RESULTS = 1000
MAX_MESSAGE = 1000
MAX_VERSION = 2**31 - 1
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the inheritance: the instance's, the project's (neither is given), or an environment's."""

    environment: Environment | None = None
    instance: bool = False


def check_name(name: str) -> str:
    """Return the name of a document or a secret, or raise InvalidArgument."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"The name is '{name[:200]}'; it must be 1 to 128 letters, digits, dots, dashes and underscores, the first "
            "of them a letter, a digit or an underscore.",
            field="name",
        )
    return name


def place_of(actor: Actor, name: str, level: Level) -> Place:
    """Return where a document of this name and level stands for the actor's project. Raises InvalidArgument."""
    check_name(name)
    if level.instance and level.environment:
        raise InvalidArgument(
            f"The environment is '{level.environment}'; documents of the instance hold in all environments.",
            field="environment",
        )
    return Place(INSTANCE if level.instance else actor.project, level.environment, name)


def require_write(actor: Actor, place: Place) -> None:
    """Raise unless the actor may change the document there.

    What holds in production, and so what the project has for all environments, is its maintainers'.
    """
    actor.require(Permission.CONFIGURATION_WRITE)
    if place.project == INSTANCE:
        actor.require(Permission.INSTANCE_MANAGE)
    elif place.environment in (None, Environment.PRODUCTION):
        actor.require(Permission.PROJECT_MANAGE)


def event_project(place: Place) -> int | None:
    """Return the project that an act at this place belongs to, None for the instance."""
    return None if place.project == INSTANCE else place.project


def shown(place: Place) -> str:
    """Return how people name a document."""
    if place.project == INSTANCE:
        return f"{place.name} (instance)"
    return f"{place.name} ({place.environment})" if place.environment else place.name


def check_message(message: str) -> str:
    """Return what a version says of itself, or raise InvalidArgument."""
    if len(message) > MAX_MESSAGE:
        raise InvalidArgument(f"'message' has {len(message)} characters; at most {MAX_MESSAGE}.", field="message")
    return check_text(message, "message")


def check_version(version: int, field: str = "version") -> int:
    """Return a number that a version may have, or raise NotFound."""
    if not 0 < version <= MAX_VERSION:
        raise NotFound(f"There is no version {version}.", field=field)
    return version


def check_max_results(value: int) -> int:
    """Return how many results are asked for, or raise InvalidArgument."""
    if not 1 <= value <= MAX_RESULTS:
        raise InvalidArgument(f"'max_results' is {value}; it must be 1 to {MAX_RESULTS}.", field="max_results")
    return value
