"""What an import reads from, whatever holds it, and notes of what could not come as it was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from mainspring.modules.registry.schemas import ModelVersion
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import Experiment
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord

BATCH = 200
"""Runs that are read, written and compared at once."""

MAX_EXAMPLES = 5
LARGEST = 1.7976931348623157e308


class Note(Struct):
    """Something that did not come as it was: how often, and where for example."""

    what: str
    count: int
    examples: list[str]


class Notes:
    """What an import has to tell, like things together."""

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}

    def add(self, what: str, where: str) -> None:
        """Note that ``what`` happened at ``where``."""
        note = self._notes.setdefault(what, Note(what, 0, []))
        note.count += 1
        if len(note.examples) < MAX_EXAMPLES:
            note.examples.append(where)

    def all(self) -> list[Note]:
        """Return the notes, each kind once."""
        return list(self._notes.values())


class Source(Protocol):
    """Another server's experiments, runs and models, read a piece at a time; ``name`` may be shown.

    Ids and artifact locations are the source's own. What the source does not know is empty, 0 or None.
    ``notes`` gets what could not be read. Every method may raise Unavailable.
    """

    name: str
    notes: Notes

    def experiments(self) -> Iterator[Experiment]:
        """Yield all experiments, deleted ones too."""
        ...

    def count_runs(self) -> int | None:
        """Return how many runs there are in all; None where only reading them would tell."""
        ...

    def runs(self, experiment_id: str) -> Iterator[list[RunRecord]]:
        """Yield an experiment's runs, deleted ones too, some hundreds at a time. Their ``metrics`` may be empty."""
        ...

    def points(self, runs: Sequence[RunRecord]) -> Iterator[RunPoint]:
        """Yield every point of these runs once, those of one run and metric together, best by time."""
        ...

    def logged_models(self, experiment_id: str) -> Iterator[ModelRecord]:
        """Yield an experiment's logged models, deleted ones too where the source shows them."""
        ...

    def registered_models(self) -> Iterator[RegisteredModelRecord]:
        """Yield registered models and prompts, without ``latest_versions``."""
        ...

    def versions(self, name: str) -> Iterator[ModelVersion]:
        """Yield the versions of a registered model."""
        ...

    def not_imported(self) -> dict[str, int]:
        """Return how many things of other kinds the source holds, by kind."""
        ...

    def close(self) -> None:
        """Free what the source holds."""
        ...


def point_of(run_id: str, key: str, timestamp: int, step: int, value: float, is_nan: bool = False) -> RunPoint:
    """Return a point in the one form that tracking stores: NaN as 0 with a flag, infinities as the largest doubles."""
    if is_nan or math.isnan(value):
        return run_id, key, timestamp, step, 0.0, True
    # Adding zero makes -0.0, which no database tells from 0.0, into 0.0.
    return run_id, key, timestamp, step, min(max(value, -LARGEST), LARGEST) + 0.0, False
