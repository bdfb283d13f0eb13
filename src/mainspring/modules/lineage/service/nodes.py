"""How nodes are called: by kind and key within, by an id outside.

A version's id is ``model_version:<model>/<version>`` in its own project, and begins with the project's path in
others: ``model_version:<namespace>/<name>/<model>/<version>``. All other ids say the same everywhere.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.lineage.schemas import NodeKind

MAX_ID = 600
VersionKey = tuple[int, str, int]
"""(project, name, version)."""
DatasetKey = tuple[str, str]
"""(name, digest)."""


class Ref(NamedTuple):
    """A node: a version's key is (project, name, version), an item's is its project, others are known by their ids."""

    kind: NodeKind
    key: str | int | VersionKey


def version_ref(key: VersionKey) -> Ref:
    return Ref(NodeKind.MODEL_VERSION, key)


def dataset_ref(key: DatasetKey) -> Ref:
    return Ref(NodeKind.DATASET, f"{key[0]}@{key[1]}")


def dataset_key(ref: Ref) -> DatasetKey | None:
    """Return name and digest of a dataset; None of one that is known to other systems alone."""
    name, at, digest = str(ref.key).rpartition("@")
    return (name, digest) if at else None


def split_id(id: str) -> tuple[NodeKind, str]:
    """Return the kind of an id, and what follows it. Raises InvalidArgument."""
    kind, colon, rest = id.partition(":")
    if not colon or not rest or kind not in set(NodeKind):
        kinds = ", ".join(f"{each}:…" for each in NodeKind)
        raise InvalidArgument(f"'{id[:200]}' is no node: an id is one of {kinds}.", field="of")
    if len(id) > MAX_ID:
        raise InvalidArgument(f"The id has {len(id)} characters; at most {MAX_ID} are allowed.", field="of")
    return NodeKind(kind), rest


def split_version(rest: str) -> tuple[str, str, int]:
    """Return (path of the project or "", name, version) of what follows ``model_version:``. Raises InvalidArgument."""
    path, _, name = rest.rpartition("/")[0].rpartition("/")
    number = rest.rpartition("/")[2]
    if not name or not re.fullmatch(r"[1-9][0-9]{0,8}", number, re.ASCII):
        raise InvalidArgument(
            f"'{rest[:200]}' is no version: it must be <model>/<version>, such as wine/3, or that behind the path of "
            "its project.",
            field="of",
        )
    return path, name, int(number)


def stored_id(ref: Ref) -> str:
    """Return the id of a node as edges that are kept have it, within the project that keeps them."""
    if isinstance(ref.key, tuple):
        return f"{ref.kind}:{ref.key[1]}/{ref.key[2]}"
    return f"{ref.kind}:{ref.key}"


def stored_ref(id: str, project: int) -> Ref:
    """Return the node of an id that is kept by a project."""
    kind, rest = split_id(id)
    if kind is NodeKind.MODEL_VERSION:
        _, name, version = split_version(rest)
        return version_ref((project, name, version))
    return Ref(kind, rest)
