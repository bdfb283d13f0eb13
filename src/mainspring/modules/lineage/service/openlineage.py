"""Names of OpenLineage: how its jobs, runs and datasets are called here, and ours there.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.lineage.schemas import EventDataset, EventJob, NodeKind
from mainspring.modules.lineage.service.nodes import split_id, split_version

SPEC = "https://openlineage.io/spec"
SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs"
OWN = "mainspring://"
"""What the namespaces of our own begin with; the path of a project follows."""
OWN_KINDS = (NodeKind.DATASET, NodeKind.LOGGED_MODEL, NodeKind.MODEL_VERSION)
MAX_NAME = 500


def name_of(told: EventJob | EventDataset, field: str) -> str:
    """Return what a job or dataset is called here: its namespace and its name. Raises InvalidArgument."""
    name = f"{told.namespace}/{told.name}"
    if not told.namespace or not told.name or len(name) > MAX_NAME:
        raise InvalidArgument(
            f"'{name[:200]}' cannot be kept: namespace and name must not be empty, and together have at most "
            f"{MAX_NAME - 1} characters.",
            field=field,
        )
    return name


def own_node(told: EventDataset, project: str) -> str | None:
    """Return the id of the node that a dataset of an event is, where it is one of this project's own; else None.

    Such a dataset has the namespace ``mainspring://<project>``, and an id of a node as its name.
    """
    if told.namespace != f"{OWN}{project}":
        return None
    kind, rest = split_id(told.name)
    if kind not in OWN_KINDS:
        raise InvalidArgument(
            f"'{told.name[:200]}' is nothing that a job reads or writes: it must be one of {', '.join(OWN_KINDS)}.",
            field="name",
        )
    if kind is NodeKind.MODEL_VERSION:
        _, name, version = split_version(rest)
        return f"{kind}:{name}/{version}"
    return told.name


def run_uuid(run_id: str) -> UUID:
    """Return the UUID by which a run of ours is known in events: its id, where that is one."""
    try:
        return UUID(run_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{OWN}{run_id}")
