"""Searching runs through the SDK: pages, places in the table, counts, columns and frames."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import polars
import pytest

import mainspring as ms
from mainspring.kit.errors import InvalidArgument

RUNS = 25


@pytest.fixture(scope="module")
def client(server: object) -> Iterator[ms.Client]:
    with ms.connect(server.url) as connected:  # type: ignore[attr-defined]
        yield connected


@pytest.fixture(scope="module")
def experiment(client: ms.Client) -> str:
    made = client.experiments.create(f"searched {uuid4()}").experiment_id
    for number in range(RUNS):
        run = client.runs.create(made, name=f"run-{number}", started_at=number + 1)
        client.runs.log(run.run_id, params={"lr": number % 3, "depth": 4}, metrics={"loss": number / 10})
    return made


def names(runs: object) -> list[str]:
    return [run.name for run in runs]  # type: ignore[attr-defined]


ALL = [f"run-{number}" for number in reversed(range(RUNS))]


def test_pages_are_the_whole(client: ms.Client, experiment: str) -> None:
    assert names(client.runs.search([experiment], page_size=7)) == ALL
    ordered = client.runs.search([experiment], "params.lr = '1'", order_by=["metrics.loss ASC"], page_size=3)
    assert names(ordered) == [f"run-{number}" for number in range(1, RUNS, 3)]


def test_one_id_may_stand_by_itself(client: ms.Client, experiment: str) -> None:
    assert names(client.runs.search(experiment)) == ALL
    assert client.runs.columns(experiment).params == ["depth", "lr"]
    with pytest.raises(ms.MainspringError, match="'walk'"):
        client.runs.search("walk").page()


@pytest.mark.parametrize("offset", [0, 3, 20, RUNS, 1000])
@pytest.mark.parametrize("order_by", [(), ("start_time ASC",), ("metrics.loss DESC",)])
def test_any_place_of_the_table(client: ms.Client, experiment: str, offset: int, order_by: tuple[str, ...]) -> None:
    expected = ALL[::-1] if order_by == ("start_time ASC",) else ALL
    found = client.runs.search([experiment], order_by=order_by, offset=offset, page_size=4)
    assert names(found.page().items) == expected[offset : offset + 4]
    assert names(found) == expected[offset:]


def test_counts(client: ms.Client, experiment: str) -> None:
    assert client.runs.search([experiment]).count() == RUNS
    assert client.runs.search([experiment], "params.lr = '0'").count() == 9
    assert client.runs.search([experiment], "metrics.loss > 99").count() == 0
    assert client.runs.search([experiment], view_type="DELETED_ONLY").count() == 0


def test_only_the_wanted_columns(client: ms.Client, experiment: str) -> None:
    [run, *_] = client.runs.search([experiment], columns=["params.lr", "metrics"]).page().items
    assert run.params == {"lr": "0"}
    assert [metric.key for metric in run.metrics] == ["loss"]
    assert run.tags == {}
    assert run.name == "run-24"


@pytest.mark.parametrize("column", ["name", "params.", "", "metric.loss"])
def test_columns_that_there_are_not(client: ms.Client, experiment: str, column: str) -> None:
    with pytest.raises(InvalidArgument, match="columns"):
        client.runs.search([experiment], columns=[column]).page()


@pytest.mark.parametrize("offset", [-1, 10_000_001])
def test_places_that_there_are_not(client: ms.Client, experiment: str, offset: int) -> None:
    with pytest.raises(InvalidArgument, match="offset"):
        client.runs.search([experiment], offset=offset).page()


def test_a_frame_of_all_pages(client: ms.Client, experiment: str) -> None:
    frame = client.runs.search([experiment], page_size=10, columns=["params", "metrics.loss"]).to_polars()
    assert frame["name"].to_list() == ALL
    assert frame["params.lr"].to_list() == [str(number % 3) for number in reversed(range(RUNS))]
    assert frame.schema["metrics.loss"] == polars.Float64
    assert frame["metrics.loss"].to_list() == [number / 10 for number in reversed(range(RUNS))]
    assert not [name for name in frame.columns if name.startswith("tags.")]


def test_a_frame_of_the_default_server(client: ms.Client, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_URL", client.url)
    frame = ms.runs([experiment], "params.lr = '2'").to_polars()
    assert frame.height == 8
    assert frame["tags.mlflow.runName"].to_list() == frame["name"].to_list()


def test_a_frame_of_nothing_has_the_attributes(client: ms.Client) -> None:
    empty = client.experiments.create(f"empty {uuid4()}").experiment_id
    frame = client.runs.search([empty]).to_polars()
    assert frame.is_empty()
    assert "started_at" in frame.columns
