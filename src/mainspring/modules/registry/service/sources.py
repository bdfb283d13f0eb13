"""Where a new version's files are: what its ``source`` may be, and what it leads to.

A source is refused unless it is in the object store or belongs to the run or logged model that the
request names, because whoever may read the version may read the files that it points at. The rules
and messages are MLflow's.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit
from urllib.request import url2pathname

from mainspring.kit.errors import InvalidArgument

PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
MAX_SOURCE = 2048

# Reading from these would connect to a host of the client's choosing.
_HOST_ADDRESSED = frozenset({"ftp", "sftp", "hdfs", "viewfs", "http", "https", "mlflow-artifacts", "r2", "b2", "abfss"})
_LOCAL_HOSTS = ("", ".", "localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class ModelUri:
    """A ``models:/`` URI: a logged model's id, or a name with a version, a stage, an alias or none (the newest)."""

    model_id: str | None = None
    name: str = ""
    version: int | None = None
    stage: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The run or logged model that a request names as the origin of its source; ``field`` says which of the two."""

    field: str
    id: str | None
    artifact_uri: str | None


def check_scheme(source: str) -> SplitResult:
    """Return the parts of a source whose scheme may be used at all, else raise InvalidArgument."""
    if len(source) > MAX_SOURCE:
        raise InvalidArgument(f"'source' exceeds the maximum length of {MAX_SOURCE} characters.", field="source")
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
    except ValueError as error:
        raise InvalidArgument(f"Invalid model version source: '{source}': {error}.", field="source") from error
    proxied = parts.scheme == "mlflow-artifacts" and not parts.netloc
    if parts.scheme in _HOST_ADDRESSED and not proxied:
        raise InvalidArgument(
            f"'source' cannot use the '{parts.scheme}' scheme: it addresses a host other than the server's own "
            "artifact store. Use a path in the object store (s3://, gs://, …), runs:/, models:/ or mlflow-artifacts:/.",
            field="source",
        )
    if parts.scheme == "file" and host not in _LOCAL_HOSTS:
        raise InvalidArgument(f"Invalid model version source: '{source}' is on another host.", field="source")
    return parts


def check_prompt_source(source: str) -> None:
    """Raise InvalidArgument unless a prompt's source is one of MLflow's placeholders."""
    if source not in PROMPT_SOURCES:
        raise InvalidArgument(
            f"Invalid prompt source: '{source}'. Prompt sources must use an MLflow placeholder.", field="source"
        )


def parse_model_uri(source: str) -> ModelUri:
    """Read a ``models:/`` URI, or raise InvalidArgument."""
    parts = urlsplit(source)
    if parts.netloc:
        raise InvalidArgument(
            f"Invalid model version source: '{source}'. Registered model sources must use the active model registry.",
            field="source",
        )
    path = parts.path + (f"#{parts.fragment}" if parts.fragment else "")
    names = path.lstrip("/").split("/")
    if not path.startswith("/") or len(names) > 2 or not all(name.strip() for name in names):
        refuse(source, "model_id")
    if len(names) == 2:
        return _with_suffix(*names)
    name, at, alias = names[0].rpartition("@")
    if not at:
        return ModelUri(model_id=names[0])
    if not alias.strip():
        refuse(source, "model_id")
    return ModelUri(name=name, alias=alias)


def _with_suffix(name: str, suffix: str) -> ModelUri:
    if re.fullmatch(r"[0-9]{1,19}", suffix):
        return ModelUri(name=name, version=int(suffix))
    return ModelUri(name=name, stage=None if suffix.lower() == "latest" else suffix)


def check_belongs(source: str, parts: SplitResult, owner: Owner) -> None:
    """Raise InvalidArgument unless ``source`` is where its owner's files are, or in no need of an owner."""
    if parts.scheme in ("", "file"):
        _check_local(source, owner)
        return
    _check_absolute(source)
    if parts.scheme == "runs":
        if parts.netloc or owner.field != "run_id" or not owner.id or run_of(parts) != owner.id:
            refuse(source, owner.field)
    elif parts.scheme == "models":
        model_id = parse_model_uri(source).model_id
        if model_id is not None and (owner.field != "model_id" or model_id != owner.id):
            refuse(source, "model_id")
    elif parts.scheme == "mlflow-artifacts" and not (owner.artifact_uri and _is_within(source, owner.artifact_uri)):
        refuse(source, owner.field)


def run_of(parts: SplitResult) -> str:
    """Return the run id of a ``runs:/`` URI."""
    return parts.path.removeprefix("/").partition("/")[0]


def refuse(source: str, field: str) -> NoReturn:
    """Say that the run or logged model of the request is not the source's."""
    raise InvalidArgument(
        f"Invalid model version source: '{source}'. The {field} request parameter must identify the resource that "
        "contains the source.",
        field="source",
    )


def _check_local(source: str, owner: Owner) -> None:
    if owner.artifact_uri and "\0" not in unquote(source):
        root = urlsplit(owner.artifact_uri)
        folder = _local_path(owner.artifact_uri)
        if root.scheme in ("", "file") and _local_path(source).is_relative_to(folder):
            return
    raise InvalidArgument(
        f"Invalid model version source: '{source}'. To use a local path as a model version source, the {owner.field} "
        f"request parameter has to be specified and the local path has to be contained within the artifact directory "
        f"of the run specified by the {owner.field}.",
        field="source",
    )


def _local_path(uri: str) -> Path:
    """Return the path of a local URI with symbolic links resolved, as it will be opened."""
    return Path(url2pathname(urlsplit(uri).path if uri.startswith("file:") else uri)).resolve()


def _check_absolute(source: str) -> None:
    """Raise InvalidArgument for ``.``, ``..``, NUL, and a missing or relative path, however often encoded."""
    decoded = source
    while (once := unquote_plus(decoded)) != decoded:
        decoded = once
    path = re.sub(r"/+", "/", urlsplit(decoded).path.rstrip("/")) if _splits(decoded) else ""
    if "\0" in decoded or ".." in decoded.split("/") or not path.startswith("/") or posixpath.normpath(path) != path:
        raise InvalidArgument(
            f"Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, "
            "objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references "
            "present. Please provide an absolute path.",
            field="source",
        )


def _splits(uri: str) -> bool:
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True


def _is_within(source: str, root: str) -> bool:
    """Say whether a URI is in the folder of another: same scheme and host, and the folder's path first."""
    return (
        urlsplit(source)[:2] == urlsplit(root)[:2]
        and bool(folder := _names(root))
        and _names(source)[: len(folder)] == folder
    )


def _names(uri: str) -> list[str]:
    return [_decoded(name) for name in urlsplit(uri).path.split("/") if name]


def _decoded(name: str) -> str:
    while (once := unquote(name)) != name:
        name = once
    return name
