"""Where artifacts lie: the folder of the store that a location names, and what may not be named.

A location is the URI that a run carries, ``mlflow-artifacts:/{experiment_id}/{run_id}/artifacts``; its path
is the folder of the store that holds the files. ``mlflow-artifacts:/`` is the store's root, so the paths of
MLflow's artifact proxy are asked for with it. Other locations belong to the clients, who read and write
them with their own keys: the server touches nothing outside its store.
"""

from __future__ import annotations

import posixpath
from urllib.parse import SplitResult, unquote, urlsplit

from mainspring.kit.errors import InvalidArgument, Unsupported
from mainspring.kit.paths import artifact_path

SCHEME = "mlflow-artifacts"
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


def file_key(location: str, path: str) -> str:
    """Return the store's path of a file below a location. InvalidArgument where ``path`` names none."""
    if not path:
        raise is_directory(path)
    return resolve(location, path)


def relative_path(location: str, key: str) -> str:
    """Return the store's path of a file as it counts from the location that it lies below."""
    return posixpath.relpath(key, _folder(location) or ".")


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
