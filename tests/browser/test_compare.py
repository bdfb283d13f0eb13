"""Runs beside each other: what differs, parallel coordinates, scatter, contour, images; as a new user would look."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from PIL import Image
from playwright.sync_api import expect

from tests.components.chromium import NewVisit
from tests.components.server import MainspringServer

PARTS = ["Differences", "Parallel coordinates", "Scatter", "Contour", "Charts", "Images"]


@pytest.fixture(scope="module")
def run_ids(sqlite_server: MainspringServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Six runs that differ in params and metrics; all have the seed in common, two have an image."""
    client = MlflowClient(sqlite_server.url)
    experiment = client.create_experiment("compared")
    image = tmp_path_factory.mktemp("images") / "roc.png"
    found = []
    for number in range(6):
        run = client.create_run(experiment, run_name=f"trial-{number}").info.run_id
        rate, depth = 0.1 / 10 ** (number % 3), number + 2
        params = [
            Param("rate", str(rate)),
            Param("depth", str(depth)),
            Param("seed", "7"),
            Param("kind", "ab"[number % 2]),
        ]
        client.log_batch(run, metrics=[Metric("score", depth / 10 + rate, 0, 0)], params=params)
        if number < 2:
            Image.new("RGB", (32, 24), (40 * number, 90, 160)).save(image)
            client.log_artifact(run, str(image), "figures")
        client.set_terminated(run)
        found.append(run)
    return found


def test_each_way_to_compare(sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(f"compare?runs={','.join(run_ids)}")
    page.get_by_role("heading", level=1, name="Compare 6 runs").wait_for()
    seen = {
        "Differences": page.get_by_role("table", name="Differences"),
        "Parallel coordinates": page.get_by_role("slider", name="rate: from"),
        "Scatter": page.get_by_role("slider", name="Scatter"),
        "Contour": page.get_by_role("slider", name="Contour"),
        "Charts": page.get_by_role("list", name="score"),
        "Images": page.get_by_role("img", name="figures/roc.png of trial-1"),
    }
    for part in PARTS:
        page.get_by_role("navigation", name="Ways to compare").get_by_role("link", name=part).click()
        expect(seen[part]).to_be_visible()
        visit.check_accessible()
    visit.check()


def test_the_table_tells_what_differs(sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(f"compare?runs={','.join(run_ids)}")
    table = page.get_by_role("table", name="Differences")
    expect(table.get_by_role("row", name="depth")).to_contain_text("2")
    expect(table.get_by_role("row", name="seed")).to_have_count(0)
    page.get_by_role("checkbox", name="Only what differs").uncheck()
    expect(table.get_by_role("row", name="seed")).to_contain_text("7")
    page.reload()
    expect(table.get_by_role("row", name="seed")).to_contain_text("7")
    visit.check()


def test_marks_are_set_by_keyboard_and_stand_in_the_address(
    sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit
) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(f"compare?runs={','.join(run_ids)}&compare.part=parallel")
    low = page.get_by_role("slider", name="depth: from")
    for _ in range(5):
        low.press("PageUp")
    expect(page.get_by_text("3 of 6 runs marked")).to_be_visible()
    page.get_by_text("View as table: 3 of 6 runs").click()
    expect(page.get_by_role("link", name="trial-5")).to_be_visible()
    expect(page.get_by_role("link", name="trial-1")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("3 of 6 runs marked")).to_be_visible()
    page.get_by_role("button", name="Clear marks").click()
    expect(page.get_by_text("6 of 6 runs marked")).to_be_visible()
    visit.check()


def test_points_of_a_plane_are_gone_through_by_keyboard(
    sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit
) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(f"compare?runs={','.join(run_ids)}&compare.part=scatter&compare.x=params.depth")
    plane = page.get_by_role("slider", name="Scatter")
    plane.press("ArrowRight")
    plane.press("ArrowRight")
    expect(plane).to_have_attribute("aria-valuetext", "trial-1: depth 3, score 0.31")
    plane.press("Enter")
    page.wait_for_url(f"**/runs/{run_ids[1]}")


def test_what_is_not_there_is_said(sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit) -> None:
    visit = new_visit(sqlite_server.url).expect("404 GET")
    page = visit.go(f"compare?runs={run_ids[0]},none")
    expect(page.get_by_text("1 run is not there")).to_be_visible()
    page = visit.go("compare")
    page.get_by_role("heading", name="No runs to compare").wait_for()
    visit.check_accessible()
    visit.check()


@pytest.mark.slow
def test_hundreds_of_runs_are_windowed(sqlite_server: MainspringServer, new_visit: NewVisit, tmp_path: Path) -> None:
    client = MlflowClient(sqlite_server.url)
    experiment = client.create_experiment(f"many-{tmp_path.name}")
    runs = [client.create_run(experiment, run_name=f"many-{number}").info.run_id for number in range(300)]
    for number, run in enumerate(runs):
        client.log_batch(run, params=[Param("number", str(number))])
    visit = new_visit(sqlite_server.url)
    page = visit.go(f"compare?runs={','.join(runs)}")
    table = page.get_by_role("table", name="Differences")
    expect(table.get_by_role("row", name="number")).to_contain_text("1")
    assert table.get_by_role("columnheader").count() < 30
    assert table.get_attribute("aria-colcount") == "301"
    visit.check()
