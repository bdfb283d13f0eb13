"""What projects and namespaces may be called, so that a URL says where its project's path ends."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_length, check_text, invalid_value

RESERVED = frozenset(
    "- _ . .. api ajax-api get-artifact model-versions mlflow-artifacts mlflow graphql static-files health version "
    "livez readyz metrics p tracking store projects login logout setup reset device signed-out auth assets".split()
)
"""Segments of paths of this server: they end the path of a project in a URL."""

MAX_DEPTH = 20
MAX_TOPICS = 20
MAX_TEXT = 2_000
MAX_README = 1_000_000
_SEGMENT = re.compile(r"[a-z0-9_][a-z0-9._-]{0,99}")
_WORKSPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])")
_RIGHT = "1 to 100 of a-z, 0-9, '.', '_' and '-', beginning with a letter, digit or '_', and not ending with '.'"


def check_path(path: str, field: str = "path") -> tuple[str, str]:
    """Return (namespace, name) of a project's path, in lower case. Raises InvalidArgument."""
    namespace, slash, name = path.lower().rpartition("/")
    if not slash or not namespace:
        raise invalid_value(field, path[:200], "a project's path is namespace/name.")
    return check_namespace(namespace, field), _check_segment(name, field)


def check_namespace(name: str, field: str = "name") -> str:
    """Return a namespace's name in lower case: segments with slashes between. Raises InvalidArgument."""
    name = name.lower()
    segments = name.split("/")
    if len(segments) > MAX_DEPTH or len(name) > 255:
        raise invalid_value(field, name[:100], f"it may have {MAX_DEPTH} parts and 255 characters.")
    for segment in segments:
        _check_segment(segment, field)
    return name


def _check_segment(segment: str, field: str) -> str:
    if not _SEGMENT.fullmatch(segment) or segment.endswith("."):
        raise invalid_value(field, segment[:100], f"each part has {_RIGHT}.")
    if segment in RESERVED:
        raise invalid_value(field, segment, "this name is reserved, since URLs of the server have it.")
    return segment


def check_workspace(name: str) -> str:
    """Return a name by which MLflow's clients can know a project. Raises InvalidArgument."""
    if not _WORKSPACE.fullmatch(name) or name in ("workspaces", "api", "ajax-api", "static-files"):
        raise invalid_value("workspace", name[:100], "it has 2 to 63 of a-z, 0-9 and '-', inside of it.")
    return name


def workspace_of(namespace: str, name: str) -> str:
    """Return the workspace's name that a path suggests: the default namespace's projects go by their own names."""
    whole = name if namespace == "default" else f"{namespace}-{name}"
    slug = re.sub(r"[^a-z0-9]+", "-", whole)[:63].strip("-")
    return slug if _WORKSPACE.fullmatch(slug) else f"project-{slug}".strip("-")


def check_description(text: str) -> str:
    """Return a description of a project or namespace. Raises InvalidArgument."""
    return check_length("description", check_text(text, "description"), MAX_TEXT)


def check_readme(text: str) -> str:
    """Return a README's Markdown. Raises InvalidArgument."""
    return check_length("readme", check_text(text, "readme"), MAX_README)


def check_artifact_root(location: str | None) -> str | None:
    """Return where the files of a project lie, without the slash at its end. Raises InvalidArgument.

    The server reads and writes its own store alone: this is a place that clients reach with keys of their own.
    """
    if location is None:
        return None
    scheme = urlsplit(location).scheme
    if scheme not in ("s3", "gs", "az", "abfss", "wasbs", "file") or len(location) > 1000 or ".." in location:
        raise invalid_value("artifact_root", location[:200], "use s3://…, gs://…, az://…, abfss://… or file://….")
    return location.rstrip("/")


def check_topics(topics: list[str]) -> list[str]:
    """Return topics, each once and sorted. Raises InvalidArgument."""
    if len(topics) > MAX_TOPICS:
        raise InvalidArgument(f"{len(topics)} topics are given; a project has at most {MAX_TOPICS}.", field="topics")
    for topic in topics:
        check_length("topics", check_text(topic, "topics"), 100)
        if not topic.strip() or not topic.isprintable():
            raise invalid_value("topics", topic, "a topic is a word or a few.")
    return sorted(set(topics))
