"""What handlers and background tasks work on, and what a module says of a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from mainspring.db.engine import Database
from mainspring.engines.blobs import BlobStore
from mainspring.engines.sources import Source
from mainspring.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The open database and artifact store of a server process, its settings, and its sources of projects by name."""

    db: Database
    blobs: BlobStore
    settings: Settings = field(default_factory=Settings)
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """Work that is done beside requests, step by step; a module lists its own as ``TASKS`` in ``tasks.py``.

    ``step(services)`` does one bounded piece of work, a second's worth at most, and says whether more
    waits. It may be killed at any moment and is then done again, now and then by two processes at once:
    it must leave the same whether it ran once or twice. A step that raises is tried again later.

    ``every_s`` is the pause in seconds after a step that found no more to do. ``share`` is the part of
    the time that steps may take while work waits: 0.1 means a pause of nine times the last step's time.
    """

    name: str
    every_s: float
    step: Callable[[Services], Awaitable[bool]]
    share: float = 0.1
