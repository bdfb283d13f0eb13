"""Wire contracts of lineage: the graph, and events as OpenLineage 2-0-2 has them (https://openlineage.io).

Times of the graph are milliseconds since the epoch, UTC; those of events are texts of RFC 3339.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct, field


class NodeKind(StrEnum):
    """What a node of the graph is; the id of a node begins with it."""

    DATASET = "dataset"
    RUN = "run"
    LOGGED_MODEL = "logged_model"
    MODEL_VERSION = "model_version"
    ITEM = "item"
    JOB = "job"
    JOB_RUN = "job_run"


class Direction(StrEnum):
    """Whether to follow what a node came from, what came of it, or both."""

    BOTH = "both"
    UP = "up"
    DOWN = "down"


class LineageNode(Struct, frozen=True):
    """Something that data or a model is, or was made by. ``url`` is its path on this server, "" where it has none."""

    id: str
    kind: NodeKind
    title: str
    project: str
    created_at: int | None = None
    url: str = ""
    attributes: dict[str, Any] = {}


class LineageEdge(Struct, frozen=True):
    """``target`` came from ``source``; ``kind`` says how."""

    source: str
    target: str
    kind: str


class Lineage(Struct, frozen=True):
    """What is around a node, the nearest first. ``truncated`` says that there is more than is shown."""

    of: str
    hops: int
    direction: Direction
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    truncated: bool = False


class EventType(StrEnum):
    """What a run of a job came to."""

    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    FAIL = "FAIL"
    OTHER = "OTHER"


class EventRun(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A run of a job."""

    run_id: UUID
    facets: dict[str, dict[str, Any]] = {}


class EventJob(Struct, frozen=True, omit_defaults=True):
    """What is run, by the namespace of its scheduler and its name there."""

    namespace: str
    name: str
    facets: dict[str, dict[str, Any]] = {}


class EventDataset(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a job reads or writes, by the namespace of its store and its name there."""

    namespace: str
    name: str
    facets: dict[str, dict[str, Any]] = {}
    input_facets: dict[str, dict[str, Any]] = {}
    output_facets: dict[str, dict[str, Any]] = {}


class LineageEvent(
    Struct,
    frozen=True,
    rename={"schema_url": "schemaURL", "event_time": "eventTime", "event_type": "eventType"},
    omit_defaults=True,
):
    """A RunEvent, which has a run and its job, a JobEvent, which has a job, or a DatasetEvent, which has a dataset.

    Fields beyond these are left out, as newer producers may send some.
    """

    event_time: datetime
    producer: str
    schema_url: str
    event_type: EventType | None = None
    run: EventRun | None = None
    job: EventJob | None = None
    dataset: EventDataset | None = None
    inputs: list[EventDataset] = field(default_factory=list)
    outputs: list[EventDataset] = field(default_factory=list)


class LineageEvents(Struct, frozen=True):
    """Events, the oldest first."""

    items: list[LineageEvent]


class TakenEvents(Struct, frozen=True):
    """What was taken of events. ``left_out`` names facets that were too long to keep."""

    events: int
    left_out: list[str] = []
