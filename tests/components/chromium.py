"""A real Chromium, steered by Playwright: ``browser`` is one per module of tests, ``Visit`` one person's window.

``scripts/setup.sh components`` installs it. What a page logs as an error, and what it asks for in vain, is kept,
so that a test that ends in ``visit.check()`` fails for what nobody looked at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from tests.components.accounts import PASSWORD

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WAIT_MS = 15_000
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
NewVisit = Callable[..., "Visit"]


class Visit:
    """One window: ``page`` is Playwright's, ``go`` opens a page of the platform, ``check`` says if all went well."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.expected: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("response", self._note_response)

    def go(self, path: str = "", project: str | None = None) -> Page:
        """Open the page at a path below ``/-/``."""
        prefix = f"/p/{project}" if project else ""
        self.page.goto(f"{self.url}{prefix}/-/{path}")
        return self.page

    def sign_in(self, name: str) -> Visit:
        """Sign in with the password that accounts of tests have."""
        self.page.goto(f"{self.url}/login?next=/-/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/-/")
        return self

    def expect(self, pattern: str) -> Visit:
        """Let errors that a pattern is found in pass: a refusal that the test provokes."""
        self.expected.append(pattern)
        return self

    def check(self) -> None:
        """Fail for any error that was not expected."""
        left = [each for each in self.errors if not any(re.search(pattern, each) for pattern in self.expected)]
        assert not left, "\n".join(left)

    def check_accessible(self, *, but_for: str = "") -> None:
        """Fail for what axe finds wrong on the page as it stands, in both themes (WCAG 2.2 AA, and best practices)."""
        self.page.evaluate(AXE.read_text())
        looked_at = json.dumps({"include": ["html"], "exclude": [but_for] if but_for else []})
        options = json.dumps({"runOnly": {"type": "tag", "values": WCAG}})
        for theme in THEMES:
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.page.locator(f"html[data-theme={theme}]").wait_for()
            self.page.evaluate(TWO_FRAMES)  # in the first the colours may still be those of before
            found = self.page.evaluate(f"axe.run({looked_at}, {options})")
            assert not found["violations"], "\n".join([theme, *(_tell(each) for each in found["violations"])])

    def _note_console(self, message: ConsoleMessage) -> None:
        # A status of 4xx is logged too, without its address: `_note_response` has it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(f"console: {message.text}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.request.method} {response.url}")


def _tell(violation: dict[str, Any]) -> str:
    places = [f"    {node['html'][:160]}\n      {node['failureSummary'][:300]}" for node in violation["nodes"][:4]]
    return "\n".join([f"{violation['id']} ({violation['impact']}): {violation['help']}", *places])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield Chromium. While it is open no other event loop may run in this thread: hence one per module."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("Chromium is not installed: run scripts/setup.sh components")
    with sync_playwright() as playwright:
        environment = {**os.environ, "HOME": os.environ.get("HOME", "/tmp")}
        chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS), env=environment)
        yield chromium
        chromium.close()


@pytest.fixture
def new_visit(browser: Browser) -> Iterator[NewVisit]:
    """Yield what opens a window on a server: ``new_visit(url, width=360)``."""
    opened = []

    def open_window(url: str, *, width: int = 1280, height: int = 800, **more: Any) -> Visit:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, locale="en-GB", timezone_id="UTC", **more)
        opened.append(context)
        return Visit(context.new_page(), url)

    yield open_window
    for context in opened:
        context.close()
