"""Curves through the SDK and the command line, as JSON and as frames."""

from __future__ import annotations

import math

import polars
import pytest

import mainspring as ms
from mainspring.kit.errors import InvalidArgument, Unsupported


@pytest.fixture
def run_id(client: ms.Client) -> str:
    run = client.runs.create("0")
    points = [ms.Metric("loss", math.sin(step / 30), 1000 + step, step) for step in range(900)]
    client.runs.log(run.run_id, metrics=points)
    client.runs.log(run.run_id, metrics=[ms.Metric("bad", math.nan, 1, 1)])
    return run.run_id


def test_curves(client: ms.Client, run_id: str) -> None:
    found = client.runs.series(["loss"], [run_id], points=20)
    [curve] = found.series
    assert (curve.run_id, curve.key, curve.total) == (run_id, "loss", 900)
    assert len(curve.values) <= 20
    assert found.groups == []


def test_frames(client: ms.Client, run_id: str) -> None:
    frame = client.runs.series(["loss", "bad"], [run_id], points=1000, x="time").to_polars()
    assert frame.columns == ["run_id", "key", "step", "timestamp", "value"]
    assert frame.height == 901
    assert frame.filter(polars.col("key") == "bad")["value"].is_nan().all()
    loss = frame.filter(polars.col("key") == "loss")
    assert loss["value"].to_list() == [math.sin(step / 30) for step in range(900)]


def test_frames_of_groups(client: ms.Client, run_id: str) -> None:
    frame = client.runs.series(["loss"], groups={"a": [run_id]}, points=10).to_polars()
    assert frame.columns == ["group", "key", "x", "runs", "mean", "std", "min", "max"]
    assert frame["x"].to_list() == [90 * place for place in range(10)]
    assert frame["runs"].to_list() == [1] * 10


def test_an_empty_frame_has_its_columns(client: ms.Client) -> None:
    frame = client.runs.series(["none"], ["0" * 32]).to_polars()
    assert frame.is_empty()
    assert frame.schema["value"] == polars.Float64


def test_a_bad_axis_is_refused(client: ms.Client, run_id: str) -> None:
    with pytest.raises(InvalidArgument, match="step, time"):
        client.runs.series(["loss"], [run_id], x="epoch")
    with pytest.raises(InvalidArgument, match="points"):
        client.runs.series(["loss"], [run_id], points=1).to_polars()


def test_without_polars_it_says_what_to_install(
    client: ms.Client, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(Unsupported, match=r"mainspring\[polars\]"):
        client.runs.series(["loss"], [run_id]).to_polars()
