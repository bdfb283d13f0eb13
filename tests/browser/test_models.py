"""Pages of models: found, read, changed, compared and asked for, as each role, whatever names and cards hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from playwright.sync_api import Page, expect

from tests.components.accounts import Guarded
from tests.components.chromium import WAIT_MS, NewVisit, Visit

expect.set_options(timeout=WAIT_MS)

See = Callable[..., Visit]
PROJECT = "zoo/models"
HOSTILE = '"><img src=x onerror=alert(1)> %2e {{7*7}}'
MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.0}
  sklearn: {pickled_model: model.skops, sklearn_version: 1.5.0}
model_uuid: 0a1b2c
signature:
  inputs: '[{"name": "alcohol", "type": "double", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
"""
CARD = """\
---
license: Apache-2.0
tags: [wine, classification]
language: !!python/object:os.system x
---
# Wine

Tells **who** made a wine. <script>alert(1)</script>

[odd](javascript:alert(1)) ![away](https://evil.example.org/x.png)
"""


@pytest.fixture(scope="module")
def world(sqlite_guarded: Guarded) -> Guarded:
    """A server with a project of three versions of `wine`, and people in each role."""
    server = sqlite_guarded
    people = {"z-guest": "guest", "z-developer": "developer", "z-maintainer": "maintainer"}
    for name in people:
        server.add_user(name)
    server.add_project(PROJECT, **people)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_TOKEN", server.tokens["z-maintainer"])
        client = MlflowClient(f"{server.url}/p/{PROJECT}")
        client.create_registered_model("wine", {"team": "cellar"}, CARD)
        client.create_registered_model(HOSTILE, {"odd": HOSTILE}, HOSTILE)
        experiment = client.create_experiment("wines")
        for number in range(3):
            run = client.create_run(experiment, run_name=f"fit-{number}").info.run_id
            client.log_param(run, "depth", 2 + number)
            client.log_param(run, "kernel", "rbf")
            client.log_metric(run, "accuracy", 0.9 + number / 100)
            client.log_metric(run, "val_loss", 0.3 + number / 10)
            client.log_text(run, MLMODEL, "model/MLmodel")
            client.create_model_version("wine", f"runs:/{run}/model", run)
        client.set_registered_model_alias("wine", "champion", 2)
    return server


@pytest.fixture
def see(world: Guarded, new_visit: NewVisit) -> Iterator[See]:
    """Yield what opens a page of the project as somebody: ``see("models", "z-guest")``."""
    opened: list[Visit] = []

    def open_page(path: str, name: str = "z-maintainer", **look: Any) -> Visit:
        visit = new_visit(world.url, **look).sign_in(name)
        visit.page.get_by_role("navigation", name="Areas").wait_for()
        # One signs in on the page of the default project, in which these people have no role.
        visit.expect(r"^404 GET http://[^/]+/api/v1/")
        visit.page.on("dialog", lambda dialog: visit.errors.append(f"a script ran: {dialog.message}"))
        visit.go(path, PROJECT)
        opened.append(visit)
        return visit

    yield open_page
    for visit in opened:
        visit.check()


def api(world: Guarded, path: str, name: str = "z-maintainer") -> httpx.Response:
    with world.client(name) as client:
        return client.get(f"/p/{PROJECT}/api/v1/{path}")


def confirm(page: Page, button: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=button).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_models_are_found(see: See) -> None:
    visit = see("models", "z-guest")
    page: Page = visit.page
    cards = page.get_by_role("list", name="Models").get_by_role("article")
    expect(cards).to_have_count(2)
    expect(cards.filter(has_text="Tells who made a wine")).to_have_count(1)
    expect(page.get_by_role("button", name="New model")).to_have_count(0)
    visit.check_accessible()
    page.get_by_label("Find models").fill("WIN")
    expect(cards).to_have_count(1)
    page.get_by_role("link", name="team: cellar").click()
    expect(page).to_have_url(re.compile(r"q=tags"))
    expect(cards).to_have_count(1)
    page.get_by_label("Find models").fill("nothing = like = this")
    expect(page.get_by_role("alert")).to_be_visible()
    visit.expect(r"400 GET .*/api/v1/models")
    page.get_by_label("Find models").fill("")
    page.get_by_role("button", name="As rows").click()
    expect(page.get_by_role("row")).to_have_count(3)
    visit.check_accessible()
    page.go_back()
    expect(cards).to_have_count(2)


def test_versions_stand_beside_each_other(see: See) -> None:
    visit = see("models/wine", "z-guest")
    page: Page = visit.page
    expect(page.get_by_role("row", name=re.compile("Version 3.*0.92.*best"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Version 1.*0.3.*best"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Version 2.*@champion"))).to_be_visible()
    visit.check_accessible()
    page.get_by_role("button", name="val_loss: the smallest").click()
    expect(page.get_by_role("row", name=re.compile("Version 3.*best.*best"))).to_be_visible()
    page.get_by_label("Compare version 1").check()
    page.get_by_label("Compare version 3").check()
    page.get_by_role("link", name="Compare 2 versions").click()
    expect(page).to_have_url(re.compile("compare=1%2C3"))
    expect(page.get_by_role("table", name="Params").get_by_role("row")).to_have_text([re.compile("Name"), "depth24"])
    expect(page.get_by_text("are alike in all")).to_be_visible()
    page.get_by_label("Only what differs").uncheck()
    expect(page.get_by_role("row", name="kernel rbf rbf")).to_be_visible()
    visit.check_accessible()


def test_a_card_is_shown_and_written_safely(see: See, world: Guarded) -> None:
    visit = see("models/wine?tab=card")
    page: Page = visit.page
    expect(page.get_by_role("heading", name="Wine", exact=True)).to_be_visible()
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    expect(page.get_by_role("link", name="away")).to_have_attribute("href", "https://evil.example.org/x.png")
    expect(page.get_by_text("odd", exact=True)).not_to_have_attribute("href", re.compile("javascript"))
    expect(page.get_by_text("Apache-2.0")).to_be_visible()
    expect(page.get_by_text("has the tag")).to_be_visible()
    page.get_by_role("link", name="Edit the card").click()
    text = page.get_by_label("Model card", exact=True)
    text.fill("---\nlicense: [\n---\n## Limits")
    expect(page.get_by_role("region", name="Preview").get_by_role("heading", name="Limits")).to_be_visible()
    expect(page.get_by_text("The front matter is not YAML")).to_be_visible()
    visit.check_accessible()
    page.get_by_role("link", name="Experiments").click()
    page.go_back()
    expect(text).to_have_value("---\nlicense: [\n---\n## Limits")
    text.fill("## Limits\n\nNone.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The card was saved.").first).to_be_visible()
    assert api(world, "models/wine").json()["description"] == "## Limits\n\nNone."


def test_a_version_tells_and_is_changed(see: See, world: Guarded) -> None:
    visit = see("models/wine/versions/2")
    page: Page = visit.page
    expect(page.get_by_role("row", name="alcohol double Yes")).to_be_visible()
    expect(page.get_by_role("link", name="fit-1")).to_be_visible()
    visit.check_accessible()
    page.get_by_role("button", name="Add alias").click()
    page.get_by_label("Alias", exact=True).fill("best")
    visit.check_accessible()
    confirm(page, "Add alias")
    page.get_by_role("button", name="Delete the alias best").click()
    expect(page.get_by_role("button", name="Delete the alias best")).to_have_count(0)
    page.get_by_role("button", name="Add tag").click()
    page.get_by_label("Name of the tag").fill("a/b c")
    page.get_by_label("Its value").fill("<b>1</b>")
    confirm(page, "Save")
    expect(page.get_by_text("a/b c: <b>1</b>")).to_be_visible()
    page.get_by_role("button", name="Set stage").click()
    confirm(page, "Set stage")
    expect(page.get_by_text("Staging").first).to_be_visible()
    version = api(world, "models/wine/versions/2").json()
    assert (version["aliases"], version["tags"], version["stage"]) == (["champion"], {"a/b c": "<b>1</b>"}, "Staging")
    page.get_by_role("link", name="Use this model").click()
    expect(page.get_by_text(f'mlflow.set_tracking_uri("{world.url}/p/{PROJECT}")').first).to_be_visible()
    expect(page.get_by_text("skops.io.load(path")).to_be_visible()
    visit.check_accessible()


def test_a_stage_is_asked_for_and_decided(see: See, world: Guarded) -> None:
    asking: Page = see("models/wine/versions/1", "z-developer").page
    asking.get_by_role("button", name="Ask for a stage").click()
    asking.get_by_label("Stage", exact=True).select_option("Production")
    asking.get_by_label("Comment").fill("It is ready.")
    confirm(asking, "Ask for a stage")
    expect(asking.get_by_text("z-developer asked")).to_be_visible()
    expect(asking.get_by_role("button", name="Approve")).to_have_count(0)
    expect(asking.get_by_role("button", name="Withdraw")).to_be_visible()
    deciding = see("models/wine?tab=requests")
    expect(deciding.page.get_by_text("It is ready.")).to_be_visible()
    deciding.check_accessible()
    deciding.page.get_by_role("button", name="Approve").click()
    deciding.page.get_by_label("Comment").fill("Good.")
    confirm(deciding.page, "Approve")
    expect(deciding.page.get_by_text("Decided by z-maintainer")).to_be_visible()
    expect(asking.get_by_text("Production").first).to_be_visible()
    assert api(world, "models/wine/versions/1").json()["stage"] == "Production"
    guest: Page = see("models/wine/versions/1", "z-guest").page
    expect(guest.get_by_role("heading", name="Version 1")).to_be_visible()
    for button in ("Ask for a stage", "Set stage", "Add alias", "Add tag", "More actions"):
        expect(guest.get_by_role("button", name=button)).to_have_count(0)


def test_a_hostile_name_is_a_name(see: See) -> None:
    visit = see("models")
    page: Page = visit.page
    page.get_by_role("link", name=HOSTILE, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=HOSTILE)).to_be_visible()
    expect(page.get_by_text("Waiting for the first one")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1, name=HOSTILE)).to_be_visible()
    visit.check_accessible()


def test_a_model_is_made_and_goes(see: See, world: Guarded) -> None:
    visit = see("models")
    page: Page = visit.page
    page.get_by_role("button", name="New model").click()
    page.get_by_label("Name", exact=True).fill("a/b")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot contain '/'")
    visit.expect(r"400 POST .*/api/v1/models")
    page.get_by_label("Name", exact=True).fill("short-lived")
    confirm(page, "Create")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("renamed")
    confirm(page, "Rename")
    expect(page.get_by_role("heading", level=1, name="renamed")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_label("Its name").fill("wine")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted")
    page.get_by_label("Its name").fill("renamed")
    confirm(page, "Delete")
    expect(page.get_by_role("heading", level=1, name="Models")).to_be_visible()
    visit.expect(r"404 GET .*/models/(renamed|short-lived)")
    assert api(world, "models/renamed").status_code == 404
