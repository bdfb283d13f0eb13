"""Experiments and their runs as somebody who comes to them: the tree, the table, groups, notes; guests, odd names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.components.accounts import Guarded
from tests.components.chromium import NewVisit, Visit
from tests.components.server import MainspringServer

HOSTILE = [
    '<img src=x onerror="window.broken = 1">',
    "\u202eright to left \u05d0\u05d1\u05d2 \u202c",
    "🚀" * 10 + " launch",
    "long " * 1000,
]
LOSSES = [0.5, 0.25, "NaN", 1e308 * 10]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a server with accounts, of which ``dora`` develops in ``team/vision`` and ``gus`` is a guest."""
    with Guarded(tmp_path_factory.mktemp("runs") / "data") as started:
        for name in ("dora", "gus"):
            started.add_user(name)
        started.add_project("team/vision", dora="developer", gus="guest")
        yield started


class Project:
    """What a test logs in ``team/vision``."""

    def __init__(self, server: Guarded) -> None:
        self.client = server.client("dora")

    def post(self, path: str, **body: Any) -> Any:
        answer = self.client.post(f"/p/team/vision/api/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def experiment(self, name: str) -> str:
        return str(self.post("/experiments", name=name)["experiment_id"])

    def run(self, experiment: str, name: str, loss: Any = None, **params: str) -> str:
        run_id = str(self.post("/runs", experiment_id=experiment, name=name)["run_id"])
        metrics = [] if loss is None else [{"key": "loss", "value": loss, "timestamp": 1, "step": 0}]
        self.post(f"/runs/{run_id}/log", metrics=metrics, params=params)
        return run_id


@pytest.fixture(scope="module")
def project(server: Guarded) -> Project:
    return Project(server)


@pytest.fixture(scope="module")
def sweep(project: Project) -> str:
    """Return an experiment of six runs of two learning rates."""
    experiment = project.experiment("vision/sweep")
    for place in range(6):
        project.run(experiment, f"run-{place}", place / 10, lr="0.1" if place < 4 else "0.01")
    return experiment


def visit_as(new_visit: NewVisit, server: Guarded, name: str, path: str, **more: Any) -> tuple[Visit, Page]:
    visit = new_visit(server.url, **more).sign_in(name)
    visit.page.locator("#areas").wait_for(state="attached")
    # Where one arrives is the default project, which they are no members of.
    visit.expect("404 GET http://[^/]*/api/v1/")
    return visit, visit.go(path, "team/vision")


def names(page: Page) -> list[str]:
    grid = page.get_by_role("grid")
    grid.get_by_role("row").nth(1).wait_for()
    return grid.locator("a").all_text_contents()


def test_an_experiment_is_made_and_its_first_run_appears_by_itself(
    server: Guarded, project: Project, new_visit: NewVisit
) -> None:
    visit, page = visit_as(new_visit, server, "dora", "experiments")
    page.get_by_role("button", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("new/first")
    page.get_by_role("dialog").get_by_role("button", name="New experiment").click()
    page.get_by_role("heading", level=1, name="new/first").wait_for()
    page.get_by_text('mlflow.set_experiment("new/first")').wait_for()
    visit.check_accessible()
    project.run(page.url.rpartition("/")[2], "the first", 1.0)
    page.get_by_role("link", name="the first").wait_for()
    page.get_by_role("navigation", name="Areas").get_by_role("link", name="Experiments").click()
    page.get_by_role("button", name="new", exact=True).click()
    page.get_by_role("link", name="first", exact=True).wait_for()
    visit.check_accessible()
    page.get_by_role("button", name="Menu of new/first").click()
    page.get_by_role("menuitem", name="Delete new/first").click()
    expect(page.get_by_role("link", name="first", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="first", exact=True).wait_for()
    visit.check()


def test_the_table_is_walked_by_keys(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}")
    assert names(page) == [f"run-{place}" for place in reversed(range(6))]
    page.get_by_role("link", name="run-5").locator("xpath=ancestor::*[@role='gridcell']").focus()
    for key in ("j", "x", "ArrowDown", "x"):
        page.keyboard.press(key)
    page.get_by_text("2 runs selected").wait_for()
    expect(page.get_by_role("row", selected=True)).to_have_count(2)
    visit.check_accessible()
    page.keyboard.press("2")
    page.get_by_text("2 selected runs").wait_for()
    page.keyboard.press("1")
    page.get_by_text("2 runs selected").wait_for()
    page.go_back()
    page.get_by_text("2 selected runs").wait_for()
    visit.check()


def test_a_jump_to_rows_that_were_never_asked_for_keeps_its_place(
    server: Guarded, project: Project, new_visit: NewVisit
) -> None:
    experiment = project.experiment("vision/many")
    for place in range(300):
        project.post("/runs", experiment_id=experiment, name=f"run-{place}")
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{experiment}")
    names(page)
    grid = page.get_by_role("grid")
    grid.evaluate("grid => { grid.scrollTop = 32 * 150 }")
    page.get_by_role("link", name="run-145", exact=True).wait_for()
    assert grid.evaluate("grid => grid.scrollTop") == 32 * 150
    page.wait_for_url("**at=150**")
    page.reload()
    page.get_by_role("link", name="run-145", exact=True).wait_for()
    visit.check()


def test_runs_are_filtered_sorted_and_grouped(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}")
    names(page)
    box = page.get_by_role("combobox", name="Filter")
    box.fill("metrics.loss >")
    box.press("End")
    page.keyboard.type(" 0.15")
    box.press("Enter")
    expect(page.get_by_text("4 runs")).to_be_visible()
    page.get_by_role("columnheader", name="loss").get_by_role("button", name="loss", exact=True).click()
    expect(page.get_by_role("columnheader", name="loss")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("gridcell", name="0.01").first.click()
    page.get_by_role("button", name="Not this").click()
    expect(page.get_by_text("2 runs")).to_be_visible()
    assert names(page) == ["run-3", "run-2"]
    assert "params.lr" in page.url
    page.get_by_role("button", name="Clear the filter").click()
    page.get_by_role("columnheader", name="lr").get_by_role("button", name="Menu of lr").click()
    page.get_by_role("menuitem", name="Group by it").click()
    page.get_by_text("2 groups of 6 runs").wait_for()
    assert "0.15 ± 0.11" in page.get_by_role("grid").inner_text().replace("\n", " ")
    visit.check_accessible()
    page.get_by_role("gridcell", name="0.01").click()
    expect(page.get_by_text("2 runs")).to_be_visible()
    visit.check()


def test_a_filter_is_completed(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}")
    names(page)
    box = page.get_by_role("combobox", name="Filter")
    box.press_sequentially("params.l")
    for key, typed in (("params.lr", "params.lr "), ("=", "params.lr = "), ("'0.1'", "params.lr = '0.1'")):
        page.get_by_role("option", name=key).first.wait_for()
        box.press("ArrowDown")
        box.press("Enter")
        assert box.input_value() == typed
    box.press("Enter")
    page.get_by_text("4 runs").wait_for()
    visit.check()


def test_a_wrong_filter_is_told(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}")
    names(page)
    visit.expect("400 POST")
    box = page.get_by_role("combobox", name="Filter")
    box.fill("metrics.loss ~ 1")
    box.press("Enter")
    page.get_by_role("alert").get_by_text("filter").first.wait_for()
    visit.check()


def test_many_runs_are_deleted_and_brought_back(server: Guarded, project: Project, new_visit: NewVisit) -> None:
    experiment = project.experiment("to delete")
    for place in range(3):
        project.run(experiment, f"old-{place}")
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{experiment}")
    names(page)
    page.get_by_role("button", name="Select the runs in view").click()
    page.get_by_role("button", name="Delete 3 runs").click()
    page.get_by_text("3 runs are deleted.", exact=True).wait_for()
    page.get_by_text("No runs yet").wait_for()
    page.get_by_role("button", name="Undo").click()
    assert len(names(page)) == 3
    page.wait_for_timeout(200)  # which rows are in view is noted 60 ms later at most
    page.get_by_role("button", name="Select the runs in view").click()
    page.get_by_text("3 runs selected").wait_for()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Key", exact=True).fill("kept")
    page.get_by_label("Value", exact=True).fill("yes")
    page.get_by_role("dialog").get_by_role("button", name="Tag").click()
    page.get_by_text("3 runs are tagged kept.", exact=True).wait_for()
    visit.check()


def test_notes_are_written_and_a_draft_is_kept(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}?tab=notes")
    page.get_by_role("button", name="Write notes").click()
    page.get_by_label("Notes in Markdown").fill("# Learnt\n\n<script>window.broken = 1</script> **much**")
    page.reload()
    page.get_by_role("button", name="Write notes").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Learnt").wait_for()
    assert page.evaluate("window.broken") is None
    visit.check_accessible()
    visit.check()


def test_a_guest_reads_and_is_offered_nothing_that_would_fail(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "gus", f"experiments/{sweep}")
    assert len(names(page)) == 6
    page.get_by_role("button", name="Select the runs in view").click()
    page.get_by_role("link", name="Compare").first.wait_for()
    for forbidden in ("Delete 6 runs", "Tag", "New experiment"):
        expect(page.get_by_role("button", name=forbidden, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    expect(page.get_by_role("menuitem", name="Save this view")).to_have_count(0)
    visit.check()


def test_hostile_names_and_odd_numbers_are_texts(server: Guarded, project: Project, new_visit: NewVisit) -> None:
    experiment = project.experiment("hostile/" + HOSTILE[0])
    for name, loss in zip(HOSTILE, LOSSES, strict=True):
        project.run(experiment, name[:4900], loss if loss != float("inf") else 1.7976931348623157e308, lr=HOSTILE[0])
    far_off = project.post("/runs", experiment_id=experiment, name="far off", started_at=2**62)["run_id"]
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{experiment}", width=360, height=740)
    assert len(names(page)) == 5
    page.get_by_role("heading", level=1, name="onerror").wait_for()
    text = page.get_by_role("grid").inner_text()
    assert HOSTILE[2] in text
    assert page.evaluate("window.broken") is None
    visit.check_accessible()
    for path, heading in (
        ("", "Home"),
        (f"runs/{far_off}", "far off"),
        (f"experiments/{experiment}?tab=charts", "img"),
    ):
        visit.go(path, "team/vision")
        page.get_by_role("heading", level=1, name=heading).wait_for()
    visit.check()


def test_columns_are_moved_and_made_wider_by_mouse_or_menu(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    columns = 'cols=["metrics.loss","params.lr","attributes.status"]'
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}?{columns}")
    names(page)
    heads = page.get_by_role("columnheader")
    shown = [each.split("\n")[0] for each in heads.all_inner_texts()]
    assert shown[-3:] == ["loss", "lr", "Status"]
    heads.filter(has_text="Status").drag_to(heads.filter(has_text="loss"))
    page.wait_for_url("**attributes.status**metrics.loss**params.lr**")
    heads.filter(has_text="lr").get_by_role("button", name="Menu of lr").click()
    page.get_by_role("menuitem", name="Move left").click()
    page.wait_for_url("**attributes.status**params.lr**metrics.loss**")
    before = heads.filter(has_text="lr").bounding_box()
    assert before
    right, middle = before["x"] + before["width"] - 2, before["y"] + before["height"] / 2
    page.mouse.move(right, middle)
    page.mouse.down()
    page.mouse.move(right + 80, middle, steps=4)
    page.mouse.up()
    page.wait_for_url("**w=**")
    after = heads.filter(has_text="lr").bounding_box()
    assert after
    assert after["width"] == pytest.approx(before["width"] + 80, abs=2)
    visit.check()


def test_a_guest_looks_at_charts(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "gus", f"experiments/{sweep}?tab=charts")
    page.get_by_role("article").first.wait_for()
    visit.check_accessible()
    visit.check()


def test_every_page_fits_into_a_narrow_window(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", "", width=360, height=740)
    of_runs = [f"experiments/{sweep}{tab}" for tab in ("", "?tab=charts", "?tab=compare", "?tab=notes")]
    for path in (
        "",
        "experiments",
        *of_runs,
        "models",
        "catalog",
        "lineage",
        "admin/members",
        "admin/audit",
        "account",
    ):
        visit.go(path, "team/vision")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_timeout(300)  # what the page asks for comes after its frame
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    visit.check()


def test_views_are_kept_for_everybody(server: Guarded, sweep: str, new_visit: NewVisit) -> None:
    visit, page = visit_as(new_visit, server, "dora", f"experiments/{sweep}?sort=metrics.loss")
    names(page)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save this view").click()
    page.get_by_label("Name", exact=True).fill("best first")
    page.get_by_role("dialog").get_by_role("button", name="Save this view").click()
    expect(page.get_by_role("button", name="Views · 1")).to_be_visible()
    _, guest = visit_as(new_visit, server, "gus", f"experiments/{sweep}")
    assert names(guest)[0] == "run-5"
    guest.get_by_role("button", name="Views · 1").click()
    guest.get_by_role("menuitem", name="best first").click()
    guest.wait_for_url("**sort=metrics.loss**")
    expect(guest.get_by_role("grid").locator("a").first).to_have_text("run-0")
    visit.check()


@pytest.mark.slow
def test_a_real_client_logs_and_the_runs_are_exported(
    sqlite_server: MainspringServer, new_visit: NewVisit, tmp_path: Path
) -> None:
    import mlflow

    mlflow.set_tracking_uri(sqlite_server.url)
    for rate in (0.1, 0.01):
        with mlflow.start_run(experiment_id="0", run_name=f"=rate {rate}"):
            mlflow.log_param("rate", rate)
            for step in range(20):
                mlflow.log_metric("loss", rate * step, step=step)
    visit = new_visit(sqlite_server.url, accept_downloads=True)
    page = visit.go("experiments/0?q=rate&cols=" + '["curve.loss","max.loss","metrics.loss","params.rate"]')
    assert names(page) == ["=rate 0.01", "=rate 0.1"]
    page.get_by_role("gridcell", name="1.9").first.wait_for()
    assert page.locator("svg path").count() > 2
    page.get_by_role("button", name="More").click()
    with page.expect_download() as found:
        page.get_by_role("menuitem", name="Export as CSV").click()
    found.value.save_as(tmp_path / "runs.csv")
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    assert lines[0] == "attributes.run_id,attributes.run_name,metrics.loss,params.rate"
    assert "'=rate 0.01" in lines[1]
    assert len(lines) == 3
    assert httpx.get(sqlite_server.url + "/-/").status_code == 200
    visit.check()
