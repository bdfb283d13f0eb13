"""Where artifacts lie: the folder of the store that a location names, and what may not be named.

A location is the URI that a run carries, ``mlflow-artifacts:/{experiment_id}/{run_id}/artifacts``; its path
is the folder of the store that holds the files. ``mlflow-artifacts:/`` is the store's root, so the paths of
MLflow's artifact proxy are asked for with it. Other locations belong to the clients, who read and write
them with their own keys: the server touches nothing outside its store.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import SplitResult, unquote, urlsplit

from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.errors import InvalidArgument, NotFound, Unsupported
from mainspring.kit.paths import artifact_path
from mainspring.kit.permissions import Permission

SCHEME = "mlflow-artifacts"
PROJECTS = "_projects"
"""The folder of the store in which projects, all but the default one, have a folder each, named by their keys."""
FILES, DVC = "_files", "_dvc"
"""The folders of a project that are not its artifacts: they are reached by the doors of what keeps its bytes there."""
ROOT = f"{SCHEME}:/"
"""The location of the whole store."""


def resolve(location: str, path: str = "") -> str:
    """Return the store's path of ``path`` below ``location``; "" is the store's root.

    Raises InvalidArgument for an unsafe path, Unsupported for a location outside our store.
    """
    folder = _folder(location)
    if path:
        artifact_path(path)
    key = posixpath.join(folder, path) if path else folder
    return artifact_path(key) if key else ""


def own_location(project: int, folder: str) -> str:
    """Return the location of a folder of what a project has of the store."""
    return f"{ROOT}{folder}" if project == DEFAULT_PROJECT else f"{ROOT}{PROJECTS}/{project}/{folder}"


def owner_of(key: str) -> int | None:
    """Return the project that a path of the store belongs to; None for the folder of all projects."""
    first, _, rest = key.partition("/")
    if first != PROJECTS:
        return DEFAULT_PROJECT
    project = rest.partition("/")[0]
    return int(project) if re.fullmatch(r"[1-9][0-9]{0,17}", project, re.ASCII) else None


def check_owner(actor: Actor, key: str) -> str:
    """Return a path of the store that is of the actor's project. Raises NotFound for any other."""
    if owner_of(key) != actor.project or is_apart(key):
        raise NotFound(f"No artifact at '{key}': this project's files lie in {own_location(actor.project, '')}…")
    return key


def is_apart(key: str) -> bool:
    """Return whether a path of the store is in none of its owner's folders of artifacts, in whatever case it is told.

    Some file systems take one case for the other.
    """
    parts = key.casefold().split("/")
    return (parts[2:3] if parts[0] == PROJECTS else parts[:1]) in ([FILES], [DVC])


def run_of(key: str) -> str | None:
    """Return the id of the run in whose folder a path of the store lies, None where no folder is named by one."""
    return next((name for name in key.split("/")[:-1] if re.fullmatch(r"[0-9a-f]{32}", name)), None)


def own_key(actor: Actor, location: str, path: str = "") -> str:
    """Return the store's path of ``path`` below ``location`` as ``resolve`` does, of the actor's project alone."""
    return check_owner(actor, resolve(location, path))


def file_key(actor: Actor, location: str, path: str) -> str:
    """Return the store's path of a file below a location. InvalidArgument where ``path`` names none."""
    if not path:
        raise is_directory(path)
    return own_key(actor, location, path)


def relative_path(location: str, key: str) -> str:
    """Return the store's path of a file as it counts from the location that it lies below."""
    return posixpath.relpath(key, _folder(location) or ".")


def written_key(actor: Actor, location: str, path: str) -> str:
    """Return the store's path of a file that the actor may write. Raises PermissionDenied, or as ``file_key``."""
    key = file_key(actor, location, path)
    actor.require(Permission.ARTIFACTS_WRITE, run_of(key))
    return key


def is_directory(path: str) -> InvalidArgument:
    """Return the error for a path that should name a file, and names a folder."""
    return InvalidArgument(
        f"Artifact path refers to a directory, not a file: '{path}'. List it, or name a file in it.", field="path"
    )


def _folder(location: str) -> str:
    """Return the store's folder of a location."""
    try:
        parts = urlsplit(location)
    except ValueError as error:
        raise InvalidArgument(f"'{location}' is no artifact location: {error}.", field="artifact_location") from error
    if parts.scheme != SCHEME:
        raise Unsupported(
            f"The artifacts at '{_without_secrets(parts)}' lie outside this server's store (locations {ROOT}…): "
            "read and write them directly, with a client that has access to them."
        )
    return unquote(parts.path).strip("/")


def _without_secrets(parts: SplitResult) -> str:
    """Return a location without what may be a key: user, password, query."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
