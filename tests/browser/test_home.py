"""The first page and the palette: what a new user sees, and how they get on from there."""

from __future__ import annotations

from collections.abc import Iterator

import mlflow
import pytest
from playwright.sync_api import expect

from tests.components.chromium import NewVisit
from tests.components.server import MainspringServer


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """Yield a server that nothing was logged to."""
    with MainspringServer(tmp_path_factory.mktemp("home") / "data") as server:
        yield server


def test_the_first_run_appears_by_itself(empty: MainspringServer, new_visit: NewVisit) -> None:
    visit = new_visit(empty.url)
    page = visit.go()
    expect(page.get_by_text("Waiting for the first run")).to_be_visible()
    expect(page.get_by_text(empty.url).first).to_be_visible()
    visit.check_accessible()
    client = mlflow.MlflowClient(empty.url)
    run = client.create_run("0", run_name="brave-newt")
    expect(page.get_by_role("table", name="Running now").get_by_role("link", name="brave-newt")).to_be_visible()
    client.set_terminated(run.info.run_id, "FAILED")
    expect(page.get_by_text("Nothing runs at the moment.")).to_be_visible()
    expect(page.get_by_role("table", name="Recent runs")).to_contain_text("failed")
    visit.check()


def test_the_palette_leads_to_a_model(empty: MainspringServer, new_visit: NewVisit) -> None:
    mlflow.MlflowClient(empty.url).create_registered_model("churn")
    visit = new_visit(empty.url)
    page = visit.go()
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("churn")
    expect(page.get_by_role("option", name="churn")).to_be_visible()
    visit.check_accessible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/models/churn")
    visit.check()


def test_links_that_mlflow_prints_open_here(empty: MainspringServer, new_visit: NewVisit) -> None:
    run = mlflow.MlflowClient(empty.url).create_run("0", run_name="linked")
    visit = new_visit(empty.url)
    visit.page.goto(f"{empty.url}/#/experiments/0/runs/{run.info.run_id}")
    visit.page.wait_for_url(f"**/-/runs/{run.info.run_id}")
    visit.page.get_by_role("heading", level=1, name="linked").wait_for()
    visit.check()


def test_shortcuts_are_told_and_can_be_turned_off(empty: MainspringServer, new_visit: NewVisit) -> None:
    visit = new_visit(empty.url)
    page = visit.go()
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet.get_by_text("Go to Models")).to_be_visible()
    visit.check_accessible()
    sheet.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", level=1, name="Home")).to_be_visible()
    visit.check()


def test_a_narrow_window(empty: MainspringServer, new_visit: NewVisit) -> None:
    visit = new_visit(empty.url, width=360)
    page = visit.go()
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("heading", level=1, name="Models").wait_for()
    visit.check_accessible()
    visit.check()


def test_a_server_that_goes_away_is_noticed(empty: MainspringServer, new_visit: NewVisit) -> None:
    visit = new_visit(empty.url)
    page = visit.go()
    page.get_by_role("heading", level=1).wait_for()
    page.route("**/*", lambda route: route.abort())
    expect(page.get_by_text("No connection to the server")).to_be_visible(timeout=20_000)
    page.unroute("**/*")
    expect(page.get_by_text("No connection to the server")).not_to_be_visible(timeout=20_000)
