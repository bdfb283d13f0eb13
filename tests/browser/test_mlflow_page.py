"""MLflow's own page on this server, in a real browser: what the real client has logged is on its pages, none of which
asks in vain or logs an error, for a developer and for a guest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from playwright.sync_api import Page, expect

from tests.components.accounts import PASSWORD, Guarded
from tests.components.chromium import NewVisit, Visit

PROJECT = "page/wine"
WAIT_MS = 60_000
"""How long a page may take on a machine that has much else to do: it parses megabytes of scripts."""
POINTS = 20
SCRIPT = "<h1 id=x>inert</h1><script>document.getElementById('x').innerText = 'RAN'</script>"


class Logged(NamedTuple):
    """What was logged: in an experiment two runs with a metric, params, files and a model in the registry."""

    server: Guarded
    experiment: str
    runs: list[str]
    model: str

    def url(self, hash: str, base: str = f"/p/{PROJECT}") -> str:
        """Return the address of a page."""
        return f"{self.server.url}{base}/mlflow/#/{hash}"

    def of_run(self, tab: str = "") -> str:
        """Return the address of the first run's page."""
        return self.url(f"experiments/{self.experiment}/runs/{self.runs[0]}{tab}")

    def of_experiment(self, rest: str) -> str:
        """Return the address of one of the experiment's pages."""
        return self.url(f"experiments/{self.experiment}/{rest}")

    @property
    def comparison(self) -> str:
        """The address of the page that compares the runs."""
        runs, experiments = (quote(json.dumps(each)) for each in (self.runs, [self.experiment]))
        return self.url(f"compare-runs?runs={runs}&experiments={experiments}")


@contextmanager
def acting_as(token: str) -> Iterator[None]:
    """Have the client send a token."""
    before = os.environ.get("MLFLOW_TRACKING_TOKEN")
    os.environ["MLFLOW_TRACKING_TOKEN"] = token
    yield
    os.environ.pop("MLFLOW_TRACKING_TOKEN")
    if before is not None:
        os.environ["MLFLOW_TRACKING_TOKEN"] = before


@pytest.fixture(scope="module")
def logged(sqlite_guarded: Guarded) -> Logged:
    """Yield what the real client has logged."""
    server = sqlite_guarded
    for name in ("page-developer", "page-guest"):
        server.add_user(name)
    server.add_project(PROJECT, **{"page-developer": "developer", "page-guest": "guest"})
    uri = f"{server.url}/p/{PROJECT}"
    with acting_as(server.tokens["page-developer"]):
        return log(server, MlflowClient(uri, uri))


def log(server: Guarded, client: MlflowClient) -> Logged:
    experiment = client.create_experiment("tasting", tags={"team": "cellar"})
    runs = [client.create_run(experiment, run_name=f"barrel-{number}").info.run_id for number in range(2)]
    for number, run in enumerate(runs):
        points = [Metric("loss", 1 / (step + number + 1), step, step) for step in range(POINTS)]
        client.log_batch(run, metrics=[*points, Metric("nothing", float("nan"), 0, 0)])
        client.log_param(run, "lr", str(0.1 + number))
        client.set_tag(run, "mlflow.note.content", f"# Notes\n{SCRIPT}\n[here](javascript:alert(1))")
        client.log_text(run, "a full body", "notes/palate.txt")
        client.log_text(run, SCRIPT, "page.html")
        client.log_image(run, np.full((30, 40, 3), 200, dtype=np.uint8), "label.png")
        client.log_table(run, {"question": ["which?"], "answer": ["the red"]}, "tasted.json")
        client.set_terminated(run)
    model = client.create_logged_model(experiment, name="nose", source_run_id=runs[0])
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("sommelier", description="Knows **wine**.")
    client.create_model_version("sommelier", f"models:/{model.model_id}", runs[0], model_id=model.model_id)
    client.set_registered_model_alias("sommelier", "champion", "1")
    return Logged(server, str(experiment), [str(run) for run in runs], str(model.model_id))


def signed_in(new_visit: NewVisit, logged: Logged, name: str) -> Visit:
    """Open a window on ``/mlflow/``, and sign in where it leads to."""
    visit = new_visit(logged.server.url, width=1400)
    visit.page.set_default_timeout(WAIT_MS)
    visit.page.goto(f"{logged.server.url}/mlflow")
    visit.page.wait_for_url("**/login?next=%2Fmlflow%2F")
    visit.page.get_by_label("Name").fill(name)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.wait_for_url("**/mlflow/")
    return visit


def opened(visit: Visit, url: str) -> Page:
    """Open a page by its address: within the same project its scripts stay loaded."""
    visit.page.goto(url)
    return visit.page


def sees(page: Page, *texts: str) -> None:
    """Wait until the page shows each of some texts."""
    for text in texts:
        expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT_MS)


def sees_plots(page: Page) -> None:
    """Wait until the page has drawn a curve."""
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_attached(timeout=WAIT_MS)


def test_a_browser_is_led_by_the_sign_in_to_the_projects(new_visit: NewVisit, logged: Logged) -> None:
    visit = signed_in(new_visit, logged, "page-developer")
    visit.page.get_by_role("link", name="page-wine").click()
    sees(visit.page, "tasting")
    visit.check()


@pytest.mark.slow
def test_a_developer_finds_what_was_logged(new_visit: NewVisit, logged: Logged) -> None:
    """In one window, as a browser loads the page's scripts once. A script in a logged file is refused."""
    visit = signed_in(new_visit, logged, "page-developer").expect("Content Security Policy.*inline|sandboxed")
    visit.expect("404 GET .*/model-versions/get-artifact")  # this model has no files
    look_at_experiment(visit, logged)
    look_at_run(visit, logged)
    look_at_files(visit, logged)
    look_at_registry(visit, logged)
    visit.check()


def look_at_experiment(visit: Visit, logged: Logged) -> None:
    """See the runs as a table, as charts, and side by side."""
    sees(opened(visit, logged.of_experiment("runs")), "barrel-0", "barrel-1", "2 matching runs")
    sees_plots(opened(visit, logged.of_experiment("runs?compareRunsMode=CHART")))
    page = opened(visit, logged.comparison)
    sees(page, "Comparing 2 Runs from 1 Experiment")
    expect(page.locator(".js-plotly-plot canvas").first).to_be_attached(timeout=WAIT_MS)
    expect(page.get_by_text("WebGL is not supported")).to_have_count(0)


def look_at_run(visit: Visit, logged: Logged) -> None:
    """See what a run is, and its curves."""
    page = opened(visit, logged.of_run())
    sees(page, "barrel-0", "Finished", "sommelier", "Notes", "inert")
    assert page.locator("script:not([src])").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    sees_plots(opened(visit, logged.of_run("/model-metrics")))


def look_at_files(visit: Visit, logged: Logged) -> None:
    """See an image, a table, and an HTML file in a frame in which no script runs."""
    page = opened(visit, logged.of_run("/artifacts"))
    page.get_by_text("label.png").click()
    image = page.locator("img[src^='blob:']").first
    expect(image).to_be_visible(timeout=WAIT_MS)
    assert image.evaluate("each => each.naturalWidth") == 40
    page.get_by_text("tasted.json").click()
    sees(page, "the red")
    page.get_by_text("page.html").click()
    expect(page.frame_locator("iframe").locator("#x")).to_have_text("inert", timeout=WAIT_MS)


def look_at_registry(visit: Visit, logged: Logged) -> None:
    """See a model and its version, and give that a tag."""
    sees(opened(visit, logged.url("models")), "sommelier")
    sees(opened(visit, logged.url("models/sommelier")), "Version 1", "champion", "Knows wine.")
    page = opened(visit, logged.url("models/sommelier/versions/1"))
    sees(page, "barrel-0", "champion")
    add_tag(page, "vintage", "2026")
    sees(page, "vintage")


def add_tag(page: Page, key: str, value: str) -> None:
    """Fill in the form below a version's tags, which are folded at first or not, as the page has been left."""
    folded = page.locator("[aria-expanded=false]", has_text=re.compile("^Tags$"))
    if folded.count():
        folded.first.click()
    page.get_by_placeholder("Name").wait_for()
    page.wait_for_timeout(500)  # it unfolds slowly
    page.get_by_placeholder("Name").fill(key)
    page.get_by_placeholder("Value").fill(value)
    page.get_by_role("button", name="Add", exact=True).click()


@pytest.mark.slow
def test_a_guest_reads_and_changes_nothing(new_visit: NewVisit, logged: Logged) -> None:
    visit = signed_in(new_visit, logged, "page-guest")
    sees(opened(visit, logged.url("experiments")), "tasting")
    sees(opened(visit, logged.of_experiment("runs")), "barrel-0", "2 matching runs")
    sees(opened(visit, logged.of_run()), "barrel-0", "Notes")
    sees_plots(opened(visit, logged.of_run("/model-metrics")))
    visit.expect("403 GET .*/(artifacts/list|model-versions/get-artifact)").expect("403 POST .*/set-tag")
    opened(visit, logged.of_run("/artifacts"))
    sees(visit.page, "lacks the permission 'artifacts:read'")
    page = opened(visit, logged.url("models/sommelier/versions/1"))
    with page.expect_response("**/model-versions/set-tag") as told:
        add_tag(page, "mine", "now")
    assert told.value.status == 403
    with logged.server.client("page-developer") as client:
        version = client.get(f"/p/{PROJECT}/api/v1/models/sommelier/versions/1").json()
    assert "mine" not in version["tags"]


OTHERS = {
    "": "Recent Experiments",
    "models": "sommelier",
    "prompts": "Create your first prompt",
    "mcp-registry": "MCP",
    "settings/general": "Theme preference",
    "experiments/{experiment}/traces": "Start tracing your LLM application",
    "experiments/{experiment}/overview/usage": "No data available",
    "experiments/{experiment}/overview/quality": "Quality",
    "experiments/{experiment}/overview/tool-calls": "No data available",
    "experiments/{experiment}/evaluation-runs": "Evaluation runs",
    "experiments/{experiment}/datasets": "Create an evaluation dataset",
    "experiments/{experiment}/review-queue": "human review",
    "experiments/{experiment}/judges": "judges",
    "experiments/{experiment}/prompts": "prompt",
    "experiments/{experiment}/models": "nose",
    "experiments/{experiment}/models/{model}": "nose",
    "experiments/{experiment}/models/{model}/artifacts": "nose",
    "experiments/{experiment}/runs?compareRunsMode=ARTIFACT": "barrel-1",
    "experiments/{experiment}/runs/{run}/system-metrics": "barrel-0",
    "experiments/{experiment}/runs/{run}/traces": "No traces found",
    "compare-experiments/s?experiments=%5B%22{experiment}%22%5D": "tasting",
}


@pytest.mark.slow
@pytest.mark.parametrize("hash", OTHERS, ids=lambda hash: hash or "home")
def test_every_other_page_comes_up(new_visit: NewVisit, logged: Logged, hash: str) -> None:
    """With what there is, or with none; a video of another server is not loaded."""
    visit = (
        signed_in(new_visit, logged, "page-developer").expect("https://mlflow.org/.*\\.mp4").expect("ResizeObserver")
    )
    names = {"experiment": logged.experiment, "run": logged.runs[0], "model": logged.model}
    page = opened(visit, logged.url(hash.format(**names)))
    sees(page, OTHERS[hash])
    page.wait_for_timeout(1000)  # what it asks for once it is there
    visit.check()
