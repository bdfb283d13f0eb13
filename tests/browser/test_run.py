"""A run as it is looked at: its overview, its files and their previews, its logs; and files that mean harm."""

from __future__ import annotations

import base64
import json
import math
import re
import wave
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient
from playwright.sync_api import Page, expect

from tests.components.accounts import Guarded
from tests.components.chromium import NewVisit
from tests.components.server import MainspringServer

expect.set_options(timeout=15_000)

TRACE = """<h1>Report</h1><script>
const say = (text) => document.body.append(text + ' ')
try { say('cookie=' + document.cookie) } catch { say('no-cookie') }
try { localStorage.x = 1; say('storage') } catch { say('no-storage') }
try { say('parent=' + parent.document.title) } catch { say('no-parent') }
fetch('/api/v1/auth/me', { credentials: 'include' }).then((answer) => say('api=' + answer.status), () => say('no-api'))
  .finally(() => say('ended'))
</script>"""
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40"/>
<script>document.documentElement.dataset.ran = 'yes'</script></svg>"""
NOTEBOOK = {
    "nbformat": 4,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "source": "# Of a notebook"},
        {
            "cell_type": "code",
            "source": "df",
            "execution_count": 1,
            "outputs": [{"output_type": "execute_result", "data": {"text/html": "<table><td>cell</td></table>"}}],
        },
    ],
}


FILM = """() => new Promise((resolve) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 })
  const drawing = canvas.getContext('2d')
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' })
  const parts = []
  recorder.ondataavailable = (event) => parts.push(event.data)
  recorder.onstop = async () => {
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer())
    resolve(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')))
  }
  const timer = setInterval(() => drawing.fillRect(Math.random() * 64, Math.random() * 48, 9, 9), 20)
  recorder.start()
  setTimeout(() => { clearInterval(timer); recorder.stop() }, 500)
})"""
"""Records half a second of a drawing, and returns it as base64."""


@dataclass
class Made:
    """A run on a server."""

    server: MainspringServer
    run: str

    def put(self, path: str, content: str | bytes) -> None:
        """Store a file of the run."""
        data = content.encode() if isinstance(content, str) else content
        httpx.put(f"{self.server.url}/api/v1/runs/{self.run}/artifacts/{path}", content=data).raise_for_status()


@pytest.fixture(scope="module")
def made(sqlite_server: MainspringServer) -> Made:
    """Return a run that the client of MLflow has logged to, with files of each kind."""
    client = MlflowClient(sqlite_server.url)
    run = client.create_run("0", run_name="deep forest").info.run_id
    made = Made(sqlite_server, run)
    for step in range(30):
        client.log_metric(run, "train/loss", 1 / (step + 1), step=step)
    client.log_param(run, "depth", 12)
    client.set_tag(run, "team", "growth")
    client.set_tag(run, "mlflow.note.content", "Some **bold** words.")
    client.log_text(run, "\n".join(f"line {n}" for n in range(1, 3001)), "logs/train.log")
    client.log_table(run, {"name": ["ada", "bob"], "score": [1.5, 2.5]}, "table.json")
    client.log_dict(run, {"outer": {"inner": [1, 2]}}, "settings.json")
    made.put("rows.csv", "id,name\n" + "".join(f"{n},customer {n}\n" for n in range(250)))
    made.put("README.md", "# Of a file\n\n<script>alert(1)</script>\n")
    made.put("nb.ipynb", json.dumps(NOTEBOOK))
    made.put("weights.bin", bytes(range(256)) * 4)
    made.put("trap/report.html", TRACE)
    made.put("trap/drawing.svg", DRAWING)
    client.set_terminated(run)
    return made


def shown(page: Page, path: str) -> None:
    """Choose a file of the tree by its name."""
    page.get_by_role("treeitem", name=re.compile(re.escape(path))).click()


def test_the_overview_and_a_tag(made: Made, new_visit: NewVisit) -> None:
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{made.run}")
    page.get_by_role("heading", level=1, name="deep forest").wait_for()
    expect(page.get_by_role("row", name=re.compile(r"^train.loss 0\.033333 0\.033333 1 29"))).to_be_visible()
    expect(page.get_by_role("strong").filter(has_text="bold")).to_be_visible()
    visit.check_accessible()
    page.get_by_label("Search metrics and params").fill("dep")
    expect(page.get_by_role("row", name=re.compile("depth"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("train.loss"))).to_have_count(0)
    page.get_by_role("button", name="Edit the tag team").click()
    page.get_by_label("Value").fill("vision")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("vision")).to_be_visible()
    visit.check()


def test_files_are_shown_as_what_they_are(made: Made, new_visit: NewVisit) -> None:
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{made.run}?tab=artifacts")
    shown(page, "rows.csv")
    expect(page.get_by_role("cell", name="customer 99", exact=True)).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("cell", name="customer 100", exact=True)).to_be_visible()
    shown(page, "table.json")
    expect(page.get_by_role("cell", name="ada")).to_be_visible()
    shown(page, "settings.json")
    expect(page.get_by_text("outer")).to_be_visible()
    shown(page, "README.md")
    expect(page.get_by_role("heading", name="Of a file")).to_be_visible()
    expect(page.locator("main script")).to_have_count(0)
    shown(page, "nb.ipynb")
    expect(page.get_by_role("heading", name="Of a notebook")).to_be_visible()
    expect(page.get_by_role("cell", name="cell")).to_be_visible()
    shown(page, "weights.bin")
    expect(page.get_by_text("cannot be shown here")).to_be_visible()
    visit.check_accessible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert Path(download.value.path()).read_bytes() == bytes(range(256)) * 4
    visit.check()


def tone() -> bytes:
    """Return a tenth of a second of a sound."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(round(128 + 100 * math.sin(place / 3)) for place in range(1_600)))
    return file.getvalue()


def test_sounds_and_films_are_played(made: Made, new_visit: NewVisit) -> None:
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{made.run}?tab=artifacts")
    made.put("media/film.webm", base64.b64decode(page.evaluate(FILM)))
    made.put("media/tone.wav", tone())
    for name, element in (("film.webm", "video"), ("tone.wav", "audio")):
        page = visit.go(f"runs/{made.run}?tab=artifacts&path=media/{name}")
        player = page.locator(element)
        expect(player).to_be_visible()
        player.evaluate("(player) => { player.muted = true; return player.play() }")
        assert player.evaluate("(player) => player.readyState") >= 2
    visit.check()


def test_the_tree_goes_by_keys_and_the_address_has_it_all(made: Made, new_visit: NewVisit) -> None:
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{made.run}?tab=artifacts")
    folder = page.get_by_role("treeitem", name=re.compile("logs"))
    expect(folder).to_have_attribute("aria-expanded", "false")
    page.get_by_role("tree", name="Files").focus()
    for key in ("l", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.get_by_role("treeitem", name=re.compile("train.log"))).to_be_visible()
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("path=logs"))
    page.reload()
    expect(page.get_by_role("treeitem", name=re.compile("logs"))).to_have_attribute("aria-expanded", "true")
    visit.check()


def test_a_model_is_registered_from_its_run(made: Made, new_visit: NewVisit) -> None:
    made.put("forest/MLmodel", "artifact_path: forest\nflavors:\n  sklearn:\n    sklearn_version: 1.5.0\n")
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{made.run}")
    for version in (1, 2):
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("menuitem", name="Register a model").click()
        page.get_by_label("Registered model").fill("forests")
        page.get_by_role("dialog").locator("input[name=path]").fill("forest")
        visit.check_accessible()
        page.get_by_role("dialog").get_by_role("button", name="Register a model").click()
        page.wait_for_url(f"**/models/forests/versions/{version}")
        page.get_by_role("link", name="deep forest").first.wait_for()
        page = visit.go(f"runs/{made.run}")
    visit.expect("409 POST .*/api/v1/models$").check()


def test_a_hostile_page_runs_as_nobodys(made: Made, new_visit: NewVisit) -> None:
    visit = new_visit(made.server.url).expect("Content Security Policy|/api/v1/auth/me|access control|sandbox")
    page = visit.go(f"runs/{made.run}?tab=artifacts&path=trap/report.html")
    inside = page.frame_locator("iframe").locator("body")
    expect(inside).to_contain_text("ended")
    for word in ("no-cookie", "no-storage", "no-parent", "no-api"):
        expect(inside).to_contain_text(word)
    # Its address, opened by itself, is no page of this server's either.
    address = f"{made.server.url}/api/v1/runs/{made.run}/artifacts/trap/report.html"
    page.goto(f"{address}?frame=offline")
    expect(page.locator("body")).to_contain_text("ended")
    for word in ("no-cookie", "no-storage", "no-api"):
        expect(page.locator("body")).to_contain_text(word)
    assert page.evaluate("window.origin") == "null"


@pytest.mark.parametrize("name", ["report.html", "drawing.svg"])
def test_what_was_uploaded_is_saved_not_opened(made: Made, name: str) -> None:
    answer = httpx.get(f"{made.server.url}/api/v1/runs/{made.run}/artifacts/trap/{name}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    framed = httpx.get(str(answer.url), params={"frame": "offline"})
    if name == "drawing.svg":
        assert framed.status_code == 400
    else:
        assert framed.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'; ")


def test_logs_are_followed(made: Made, new_visit: NewVisit) -> None:
    run = MlflowClient(made.server.url).create_run("0", run_name="going on").info.run_id
    live = Made(made.server, run)
    live.put("train.log", "begun\n")
    visit = new_visit(made.server.url)
    page = visit.go(f"runs/{run}?tab=logs")
    log = page.get_by_role("log", name="train.log")
    expect(log).to_contain_text("begun")
    live.put("train.log", "begun\nepoch 1\n")
    expect(log).to_contain_text("epoch 1")
    page.get_by_role("button", name="Pause").click()
    live.put("train.log", "begun\nepoch 1\nepoch 2\n")
    page.get_by_role("button", name="Go on").click()
    expect(log).to_contain_text("epoch 2")
    visit.check_accessible()
    visit.check()


@pytest.mark.slow
def test_a_guest_is_told_that_files_are_not_theirs(sqlite_guarded: Guarded, new_visit: NewVisit) -> None:
    sqlite_guarded.add_user("gwen")
    sqlite_guarded.add_project("team/files", gwen="guest")
    created = sqlite_guarded.admin.post("/p/team/files/api/v1/experiments", json={"name": "e"}).json()
    body = {"experiment_id": created["experiment_id"], "name": "seen"}
    run = sqlite_guarded.admin.post("/p/team/files/api/v1/runs", json=body).json()["run_id"]
    visit = new_visit(sqlite_guarded.url).sign_in("gwen")
    visit.page.wait_for_url(lambda url: "/login" not in url)
    page = visit.go(f"runs/{run}?tab=artifacts", project="team/files")
    page.get_by_role("heading", name="These files are not for you to read").wait_for()
    expect(page.get_by_role("button", name="More")).to_have_count(0)
    visit.check_accessible()
    visit.check()
