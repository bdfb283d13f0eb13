"""The browser that pages are measured in, and how its figures come into docs/performance.md."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from bench import report
from bench.products import ROOT, Product

PAGE = ROOT / "docs/performance.md"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), env=dict(os.environ))
        yield browser
        browser.close()


def tell(module: str, browser: str, products: list[Product], table: str, name: str, *, into_docs: bool) -> None:
    """Print a table with how it was made, and put it between the markers of a name if wanted."""
    command = shlex.join(["python", "-m", module, *sys.argv[1:]])
    document = f"Made by `{command}` on {report.machine([], products)}, Chromium {browser}.\n\n{table}"
    print(document)
    if into_docs:
        report.write_into(PAGE, document, f"<!-- {name}:begin -->", f"<!-- {name}:end -->")


def verdict(found: float, goal: float, unit: str = "ms") -> str:
    """Return a goal, and whether it is met."""
    return f"≤ {goal:,.0f} {unit}: {'met' if found <= goal else '**missed**'}"
