"""Charts of runs: panels by prefix, the same cursor and range in all, smoothing, live points, tables and files."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from playwright.sync_api import expect

from tests.components.chromium import NewVisit
from tests.components.server import MainspringServer

STEPS = 200


@pytest.fixture(scope="module")
def client(sqlite_server: MainspringServer) -> MlflowClient:
    """MLflow's client of a server on SQLite."""
    return MlflowClient(sqlite_server.url)


@pytest.fixture(scope="module")
def run_ids(client: MlflowClient) -> list[str]:
    """Three finished runs with curves, a hole in one, a metric of one point, and one of the machine."""
    experiment = client.create_experiment("charts")
    found = []
    for number in range(3):
        run = client.create_run(experiment, run_name=f"curve-{number}")
        points = [
            Metric("train/loss", (number + 1) / (step + 1), 1_700_000_000_000 + step, step) for step in range(STEPS)
        ]
        points += [
            Metric("val/loss", (number + 2) / (step + 1), 1_700_000_000_000 + step, step) for step in range(STEPS)
        ]
        points += [Metric("train/gap", math.nan if 5 < step < 9 else step, 0, step) for step in range(20)]
        points += [Metric("score", 0.5 + number / 10, 0, 0), Metric("system/cpu", 50.0, 0, 0)]
        client.log_batch(run.info.run_id, metrics=points)
        client.set_terminated(run.info.run_id)
        found.append(run.info.run_id)
    return found


def charts(*run_ids: str, **settings: object) -> str:
    """The address of charts of some runs."""
    return f"compare?runs={','.join(run_ids)}&compare.part=charts" + "".join(
        f"&chart.{key}={value}" for key, value in settings.items()
    )


def test_panels_stand_by_prefix(sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit) -> None:
    visit = new_visit(sqlite_server.url, height=1400)
    page = visit.go(charts(*run_ids))
    expect(page.get_by_role("article", name="train/loss").get_by_role("slider")).to_be_visible()
    sections = page.get_by_role("heading", level=2).get_by_role("button").all_inner_texts()
    assert [each.split("\n")[0] for each in sections] == ["Metrics", "train", "val", "System"]
    expect(page.get_by_role("article", name="system/cpu")).to_have_count(0)
    expect(page.get_by_role("list", name="score").get_by_role("listitem").first).to_contain_text("curve-2")
    visit.check_accessible()
    page.get_by_role("button", name="System").click()
    expect(page.get_by_role("article", name="system/cpu")).to_be_visible()
    assert "chart.fold" in page.url
    visit.check()


def test_a_range_is_asked_for_again_by_keyboard(
    sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit
) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(charts(*run_ids, find="loss"))
    plot = page.get_by_role("article", name="train/loss").get_by_role("slider")
    plot.press("Home")
    plot.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuetext", "1, curve-0 0.5, curve-1 1, curve-2 1.5")
    for _ in range(4):
        plot.press("Shift+ArrowRight")
    with page.expect_request(lambda sent: sent.url.endswith("metrics:series")) as asked:
        plot.press("Enter")
    assert asked.value.post_data_json["start"] == 1
    assert asked.value.post_data_json["end"] == 5
    expect(plot).to_have_attribute("aria-valuemax", "5")
    expect(page.get_by_role("article", name="val/loss").get_by_role("slider")).to_have_attribute("aria-valuemax", "5")
    page.get_by_role("button", name="Whole range").click()
    expect(plot).to_have_attribute("aria-valuemax", str(STEPS - 1))
    page.go_back()
    expect(plot).to_have_attribute("aria-valuemax", "5")
    visit.check()


def test_a_range_is_dragged(sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(charts(*run_ids, find="train/loss"))
    plot = page.get_by_role("article", name="train/loss").locator(".u-over")
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Whole range").wait_for()
    shown = page.get_by_role("article", name="train/loss").get_by_role("slider")
    assert abs(float(shown.get_attribute("aria-valuemin") or 0) - STEPS / 4) < 5
    visit.check()


def test_a_chart_is_a_table_a_file_and_a_window(
    sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit, tmp_path: Path
) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(charts(*run_ids, find="gap", smooth="0.5"))
    menu = page.get_by_role("button", name="More about train/gap")
    page.get_by_role("article", name="train/gap").get_by_role("slider").wait_for()
    menu.click()
    page.get_by_role("menuitem", name="View as table").click()
    table = page.get_by_role("dialog")
    expect(table.get_by_role("row", name="curve-1")).to_contain_text("20")
    table.get_by_label("Show").select_option("curve-1")
    expect(table.get_by_role("row").nth(7)).to_contain_text("NaN")
    # The tooltip of what has the focus lies beside all landmarks.
    visit.check_accessible()
    table.get_by_role("button", name="Close").click()
    for name, ending in (("Save as CSV", "csv"), ("Save as PNG", "png")):
        menu.click()
        with page.expect_download() as saved:
            page.get_by_role("menuitem", name=name).click()
        saved.value.save_as(tmp_path / f"chart.{ending}")
    rows = list(csv.DictReader((tmp_path / "chart.csv").open()))
    assert len(rows) == 60
    assert {row["run_name"] for row in rows} == {"curve-0", "curve-1", "curve-2"}
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"
    page.get_by_role("button", name="Show train/gap large").click()
    expect(page.get_by_role("dialog").get_by_role("slider", name="train/gap")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    visit.check()


def test_panels_are_ordered_and_hidden_without_a_mouse(
    sqlite_server: MainspringServer, run_ids: list[str], new_visit: NewVisit
) -> None:
    visit = new_visit(sqlite_server.url)
    page = visit.go(charts(*run_ids, find="train"))
    page.get_by_role("button", name="Move train/loss").press("ArrowLeft")
    expect(page.get_by_role("article").first).to_have_attribute("aria-label", "train/loss")
    page.get_by_role("button", name="More about train/loss").press("Enter")
    page.get_by_role("menuitem", name="Hide").press("Enter")
    expect(page.get_by_role("article", name="train/loss")).to_have_count(0)
    page.get_by_role("button", name="1 hidden").click()
    page.get_by_role("checkbox", name="train/loss").click()
    expect(page.get_by_role("article").first).to_have_attribute("aria-label", "train/loss")
    # What was chosen is kept for the next time, and then stands in the address again.
    page = visit.go(charts(*run_ids))
    page.wait_for_url("**chart.order**")
    visit.check()


def test_points_appear_as_they_are_logged(
    sqlite_server: MainspringServer, client: MlflowClient, new_visit: NewVisit
) -> None:
    run = client.create_run("0", run_name="live").info.run_id
    client.log_metric(run, "loss", 1.0, step=0)
    client.log_metric(run, "loss", 0.5, step=1)
    visit = new_visit(sqlite_server.url)
    page = visit.go(charts(run))
    plot = page.get_by_role("article", name="loss").get_by_role("slider")
    expect(plot).to_have_attribute("aria-valuemax", "1")
    client.log_metric(run, "loss", 0.25, step=7)
    expect(plot).to_have_attribute("aria-valuemax", "7")
    client.log_metric(run, "new", 1.0)
    page.get_by_role("article", name="new").wait_for()
    client.set_terminated(run)
    visit.check()
