"""The columns of runs, and groups of runs with figures, held against what Python's statistics give."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import LOCAL, NOBODY
from mainspring.kit.errors import InvalidArgument, Unauthenticated
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import (
    Batch,
    ExperimentCreate,
    Metric,
    RunCreate,
    RunGroup,
    RunGroupQuery,
    RunGroups,
)

LOSSES = {"0.1": [1.0, 2.0, 4.0], "0.01": [1e9 + 1, 1e9 + 2], None: [5.0]}


@pytest.fixture(scope="module")
def tx(database: Database) -> Iterator[Connection]:
    """Yield a transaction in which one experiment has runs of two learning rates and one without."""
    with database.write_engine.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def experiment(tx: Connection) -> str:
    made = service.create_experiment(tx, LOCAL, ExperimentCreate("groups")).experiment_id
    for rate, losses in LOSSES.items():
        for loss in losses:
            new_run(tx, made, {"lr": rate} if rate else {}, loss)
    return made


def new_run(tx: Connection, experiment: str, params: dict[str, str], loss: Any) -> str:
    run_id = service.create_run(tx, LOCAL, RunCreate(experiment, tags={"team": "a"})).run_id
    service.log_batch(tx, LOCAL, run_id, Batch([Metric("loss", loss, 1, 0)], list(params.items())))
    return run_id


def group(tx: Connection, experiment: str, *by: str, **more: Any) -> RunGroups:
    return service.group_runs(tx, LOCAL, RunGroupQuery([experiment], list(by), ["loss"], **more))


def by_values(found: RunGroups) -> dict[tuple[str | None, ...], RunGroup]:
    return {tuple(each.values): each for each in found.items}


def test_columns_are_every_key_once(tx: Connection, experiment: str) -> None:
    found = service.get_run_columns(tx, LOCAL, [experiment])
    assert (found.params, found.metrics) == (["lr"], ["loss"])
    assert {"team", "mlflow.runName"} <= set(found.tags)
    assert found.tags == sorted(set(found.tags))
    assert service.get_run_columns(tx, LOCAL, [experiment, "0"]) == found
    assert service.get_run_columns(tx, LOCAL, []).params == []


def test_figures_are_those_of_python(tx: Connection, experiment: str) -> None:
    found = group(tx, experiment, "params.lr")
    assert (found.groups, found.runs) == (3, 6)
    assert [each.runs for each in found.items] == [3, 2, 1]
    for (rate,), each in by_values(found).items():
        [figures] = each.metrics
        values = LOSSES[rate]
        assert figures.runs == len(values)
        assert figures.mean == pytest.approx(statistics.fmean(values))
        # The other groups' values are 1e9 away: as many digits of a deviation are lost.
        assert figures.std == pytest.approx(statistics.pstdev(values), abs=100)
        assert (figures.min, figures.max) == (min(values), max(values))


def test_a_spread_that_is_small_beside_the_value_is_exact(tx: Connection, experiment: str) -> None:
    [found] = group(tx, experiment, filter="params.lr = '0.01'").items
    assert found.metrics[0].std is not None
    [all_of_it] = group(tx, experiment).items
    assert all_of_it.runs == 6
    assert all_of_it.values == []


def test_filters_and_several_keys(tx: Connection, experiment: str) -> None:
    found = by_values(group(tx, experiment, "tags.team", "attributes.status", filter="metrics.loss < 4"))
    assert {values: each.runs for values, each in found.items()} == {("a", "RUNNING"): 2}
    assert group(tx, experiment, "params.lr", filter="metrics.loss < 0") == RunGroups([], 0, 0)
    assert group(tx, experiment, filter="metrics.loss < 0") == RunGroups([], 0, 0)


def test_only_the_largest_are_sent_and_all_are_counted(tx: Connection, experiment: str) -> None:
    found = group(tx, experiment, "params.lr", max_results=1)
    assert [each.values for each in found.items] == [["0.1"]]
    assert (found.groups, found.runs) == (3, 6)


def test_what_is_no_number_counts_in_no_figure(tx: Connection) -> None:
    made = service.create_experiment(tx, LOCAL, ExperimentCreate("odd")).experiment_id
    for loss in ("NaN", float("inf"), float("-inf"), 2.0):
        new_run(tx, made, {"lr": "1"}, loss)
    new_run(tx, made, {"lr": "2"}, "NaN")
    found = by_values(group(tx, made, "params.lr"))
    assert (found[("1",)].runs, found[("1",)].metrics[0].runs, found[("1",)].metrics[0].mean) == (4, 1, 2.0)
    assert (found[("2",)].metrics[0].runs, found[("2",)].metrics[0].mean) == (0, None)


def test_deleted_runs_are_left_out(tx: Connection) -> None:
    made = service.create_experiment(tx, LOCAL, ExperimentCreate("less")).experiment_id
    first = new_run(tx, made, {"lr": "1"}, 1.0)
    new_run(tx, made, {"lr": "1"}, 2.0)
    service.delete_run(tx, LOCAL, first)
    assert group(tx, made, "params.lr").runs == 1


@pytest.mark.parametrize("by", ["lr", "params.", "metrics.loss", "attributes.name", ""])
def test_what_cannot_be_grouped_by(tx: Connection, experiment: str, by: str) -> None:
    with pytest.raises(InvalidArgument, match="by"):
        group(tx, experiment, by)


def test_limits_are_told(tx: Connection, experiment: str) -> None:
    with pytest.raises(InvalidArgument, match="At most 4 by"):
        group(tx, experiment, *["params.lr"] * 5)
    with pytest.raises(InvalidArgument, match="max_results"):
        group(tx, experiment, max_results=1001)
    with pytest.raises(InvalidArgument, match="At most 20 experiments"):
        service.get_run_columns(tx, LOCAL, ["0"] * 21)


def test_nobody_is_told(tx: Connection, experiment: str) -> None:
    with pytest.raises(Unauthenticated):
        service.get_run_columns(tx, NOBODY, [experiment])
    with pytest.raises(Unauthenticated):
        service.group_runs(tx, NOBODY, RunGroupQuery([experiment]))
