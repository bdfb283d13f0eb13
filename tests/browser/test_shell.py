"""What is around every page: areas, themes, languages, keys, and what a browser is told to forbid."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.components.chromium import NewVisit
from tests.components.server import MainspringServer

AREAS = ["Home", "Experiments", "Models", "Catalog", "Lineage", "Admin"]


@pytest.fixture
def url(sqlite_server: MainspringServer) -> str:
    """The address of a server on SQLite."""
    return sqlite_server.url


def test_a_browser_is_led_to_the_page(url: str) -> None:
    browser = {"accept": "text/html,*/*;q=0.8"}
    assert httpx.get(url, headers=browser).headers["location"] == "/-/"
    assert httpx.get(f"{url}/p/team/churn", headers=browser).headers["location"] == "/p/team/churn/-/"
    assert httpx.get(url).status_code == 200


def test_scripts_and_styles_bear_the_nonce_of_their_answer(url: str) -> None:
    first, second = (httpx.get(f"{url}/-/runs/1") for _ in range(2))
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce
    assert nonce[1] in first.text
    assert "__NONCE__" not in first.text
    assert "unsafe" not in policy
    assert nonce[1] not in second.text


def test_files_are_packed_and_kept(url: str) -> None:
    script = re.search(r'src="(/-/assets/[^"]+\.js)"', httpx.get(f"{url}/-/").text)
    assert script
    answer = httpx.get(url + script[1])
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    again = httpx.get(url + script[1], headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(url + script[1], headers={"accept-encoding": "identity"}).text == answer.text
    assert httpx.head(url + script[1]).status_code == 200


@pytest.mark.parametrize("path", ["assets/none.js", "assets/../index.html.gz", "assets/%2e%2e/%2e%2e/app.py"])
def test_nothing_else_is_a_file(url: str, path: str) -> None:
    answer = httpx.get(f"{url}/-/{path}")
    assert answer.status_code == 404 or "<div id=" in answer.text


def test_only_reading_is_answered(url: str) -> None:
    assert httpx.post(f"{url}/-/").status_code in (400, 405, 501)


def test_areas_are_reached_by_links_and_keys(url: str, new_visit: NewVisit) -> None:
    visit = new_visit(url)
    page = visit.go()
    for area in AREAS:
        page.get_by_role("navigation", name="Areas").get_by_role("link", name=area).click()
        page.get_by_role("heading", level=1, name=area).wait_for()
        visit.check_accessible()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.get_by_role("heading", level=1, name="Models").wait_for()
    visit.check()


def test_french(url: str, new_visit: NewVisit) -> None:
    visit = new_visit(url)
    page = visit.go()
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitemradio", name="Français").click()
    page.get_by_role("link", name="Expériences", exact=True).wait_for()
    page.reload()
    page.get_by_role("link", name="Expériences", exact=True).wait_for()
    assert page.locator("html").get_attribute("lang") == "fr"
    visit.check()
