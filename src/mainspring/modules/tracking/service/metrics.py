"""Reading metric histories. What reads points loads numpy when it is first called."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value
from mainspring.kit.pages import Page
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.schemas import Metric, Number
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import runs as run_store

if TYPE_CHECKING:
    from mainspring.modules.tracking.blocks import Points

MAX_RUNS = 100
MAX_BULK_POINTS = 25_000
MAX_SAMPLED_POINTS = 2_500
ALL_STEPS = (-rules.INT64, rules.INT64 - 1)


@dataclass(frozen=True, slots=True)
class History:
    """Points of one metric as columns. ``next_page_token`` says where to go on; None at the end."""

    timestamps: list[int]
    steps: list[int]
    values: list[Number]
    next_page_token: str | None = None

    def metrics(self, key: str) -> list[Metric]:
        """Return the points one by one."""
        columns = zip(self.values, self.timestamps, self.steps, strict=True)
        return [Metric(key, value, timestamp, step) for value, timestamp, step in columns]


def get_metric_history(
    tx: Connection, actor: Actor, run_id: str, key: str, max_results: int, page_token: str | None = None
) -> Page[Metric]:
    """Return a page of a run's points of one metric by timestamp, step and value.

    A run or key that does not exist has no points.
    """
    history = read_metric_history(tx, actor, run_id, key, max_results, page_token)
    return Page(history.metrics(key), history.next_page_token)


def read_metric_history(
    tx: Connection, actor: Actor, run_id: str, key: str, max_results: int, page_token: str | None = None
) -> History:
    """Return up to ``max_results`` points as columns; else like ``get_metric_history``.

    A token stands for a place between two points, wherever these are kept: with it reading goes on in
    another transaction, and meets every point once that was there from the start.
    """
    from mainspring.modules.tracking.store.history import START, read_points

    actor.require(Permission.TRACKING_READ)
    limit = rules.check_max_results(max_results, 2**31)
    after = _position(page_token) if page_token else START
    run = run_store.find_own_keys(tx, actor.project, [run_id]).get(run_id)
    if run is None:
        return History([], [], [])
    points = read_points(tx, run.key, key, after, limit + 1)
    page = points.cut(0, limit)
    return _history(page, _token(page.position(-1)) if len(points) > limit else None)


def _history(points: Points, next_page_token: str | None = None) -> History:
    values: list[Number] = points.values.tolist()
    if any(map(math.isnan, points.values.tolist())):
        values = ["NaN" if value != value else value for value in values]
    return History(points.timestamps.tolist(), points.steps.tolist(), values, next_page_token)


def _token(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def _position(page_token: str) -> Position:
    """Return the position that a token stands for, or raise InvalidArgument."""
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(page_token), type=Position)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _invalid_token(page_token) from error
    if not all(-rules.INT64 <= number < rules.INT64 for number in position[:2]):
        raise _invalid_token(page_token)
    return position


def _invalid_token(page_token: str) -> InvalidArgument:
    return InvalidArgument(
        f"Invalid page token '{page_token}': pass the next_page_token of the page before, unchanged.",
        field="page_token",
    )


def get_metric_history_bulk(
    tx: Connection, actor: Actor, run_ids: list[str], key: str, max_results: int = MAX_BULK_POINTS
) -> list[tuple[str, History]]:
    """Return (run id, points) of up to 100 runs by run id, timestamp, step and value; 25,000 points at most."""
    from mainspring.modules.tracking.store.history import START, read_points

    actor.require(Permission.TRACKING_READ)
    if len(run_ids) > MAX_RUNS:
        raise InvalidArgument(
            f"GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids.",
            field="run_id",
        )
    left = max(0, min(max_results, MAX_BULK_POINTS))
    found: list[tuple[str, History]] = []
    for run_id, run in sorted(run_store.find_own_keys(tx, actor.project, run_ids).items()):
        if not left:
            break
        history = _history(read_points(tx, run.key, key, START, left))
        found.append((run_id, history))
        left -= len(history.steps)
    return found


def sample_metric_history(
    tx: Connection,
    actor: Actor,
    run_ids: list[str],
    key: str,
    max_results: int = MAX_SAMPLED_POINTS,
    start_step: int | None = None,
    end_step: int | None = None,
) -> list[tuple[str, History]]:
    """Return (run id, points) with up to ``max_results`` points a run, spread over its steps.

    The first and the last are among them. The points of a run come by step, timestamp and value.
    """
    from mainspring.modules.tracking.store.samples import sample

    actor.require(Permission.TRACKING_READ)
    if len(run_ids) > MAX_RUNS:
        raise InvalidArgument(
            f"GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids.",
            field="run_ids",
        )
    if not 1 <= max_results <= MAX_SAMPLED_POINTS:
        raise InvalidArgument(f"max_results must be between 1 and {MAX_SAMPLED_POINTS}.", field="max_results")
    steps = _window(start_step, end_step)
    keys = {run_id: run.key for run_id, run in run_store.find_own_keys(tx, actor.project, run_ids).items()}
    sampled = sample(tx, list(keys.values()), key, max_results, steps) if keys else {}
    return [(run_id, _history(sampled[keys[run_id]])) for run_id in run_ids if run_id in keys]


def _window(start_step: int | None, end_step: int | None) -> tuple[int, int]:
    """Return the first and the last step that are wanted, or raise InvalidArgument."""
    if (start_step is None) != (end_step is None):
        raise InvalidArgument(
            "If either start step or end step are specified, both must be specified.", field="start_step"
        )
    if start_step is None or end_step is None:
        return ALL_STEPS
    for name, step in (("start_step", start_step), ("end_step", end_step)):
        if not -rules.INT64 <= step < rules.INT64:
            raise invalid_value(name, step, "Steps are 64-bit integers.")
    if start_step > end_step:
        raise InvalidArgument(
            f"end_step must be greater than start_step. Found start_step={start_step} and end_step={end_step}.",
            field="end_step",
        )
    return start_step, end_step
