"""Reading metric histories."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking.schemas import Metric
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import metrics as store

MAX_RUNS = 100
MAX_BULK_POINTS = 25_000
MAX_SAMPLED_POINTS = 2_500


def get_metric_history(
    tx: Connection,
    actor: Actor,
    run_id: str,
    key: str,
    max_results: int | None = None,
    page_token: str | None = None,
) -> Page[Metric]:
    """Return a run's points of one metric by timestamp, step and value.

    Everything where ``max_results`` is None. A run or key that does not exist has no points.
    """
    actor.require(Permission.TRACKING_READ)
    offset = offset_of(page_token)
    if max_results is None:
        return Page(store.get_history(tx, run_id, key, offset, None))
    limit = rules.check_max_results(max_results, 2**31)
    return page_of(store.get_history(tx, run_id, key, offset, limit + 1), offset, limit)


def get_metric_history_bulk(
    tx: Connection, actor: Actor, run_ids: list[str], key: str, max_results: int = MAX_BULK_POINTS
) -> list[tuple[str, Metric]]:
    """Return (run id, point) of up to 100 runs by run id, timestamp, step and value; 25,000 points at most."""
    actor.require(Permission.TRACKING_READ)
    if len(run_ids) > MAX_RUNS:
        raise InvalidArgument(
            f"GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids.",
            field="run_id",
        )
    return store.get_bulk_history(tx, run_ids, key, max(0, min(max_results, MAX_BULK_POINTS)))


def sample_metric_history(
    tx: Connection,
    actor: Actor,
    run_ids: list[str],
    key: str,
    max_results: int = 320,
    start_step: int | None = None,
    end_step: int | None = None,
) -> list[tuple[str, Metric]]:
    """Return up to ``max_results`` points a run, spread over its steps, the first and the last among them."""
    actor.require(Permission.TRACKING_READ)
    if len(run_ids) > MAX_RUNS:
        raise InvalidArgument(
            f"GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids.",
            field="run_ids",
        )
    if not 1 <= max_results <= MAX_SAMPLED_POINTS:
        raise InvalidArgument(f"max_results must be between 1 and {MAX_SAMPLED_POINTS}.", field="max_results")
    if (start_step is None) != (end_step is None):
        raise InvalidArgument(
            "If either start step or end step are specified, both must be specified.", field="start_step"
        )
    for name, step in (("start_step", start_step), ("end_step", end_step)):
        if step is not None and not -rules.INT64 <= step < rules.INT64:
            raise invalid_value(name, step, "Steps are 64-bit integers.")
    if start_step is not None and end_step is not None and start_step > end_step:
        raise InvalidArgument(
            f"end_step must be greater than start_step. Found start_step={start_step} and end_step={end_step}.",
            field="end_step",
        )
    return [
        (run_id, metric)
        for run_id in dict.fromkeys(run_ids)
        for metric in store.sample_history(tx, run_id, key, max_results, start_step, end_step)
    ]
