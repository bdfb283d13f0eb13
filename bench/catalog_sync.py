"""`python -m bench.catalog_sync`: a listing of all projects of a GitLab, and an idle pass: calls, seconds, memory.

The GitLab is the tests' double, in a process of its own; its answers take what they take, and 10 ms.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

from bench.processes import MIB, free_port
from bench.products import ROOT
from mainspring.engines.sources import Source, open_source
from mainspring.kit.time import now_ms

TOPICS = (
    "sharinghub:aimodel",
    "sharinghub-aimodel",
    "sharinghub:dataset",
    "sharinghub-dataset",
    "sharinghub:processor",
)
LATENCY_MS = 10
NO_LIMIT = 1_000_000_000
STARTS_WITHIN_S = 120


@dataclass(frozen=True)
class Pass:
    """One pass through a GitLab: projects told, calls made, seconds, and what memory grew by meanwhile, in MiB."""

    projects: int
    calls: int
    seconds: float
    grown_mib: float


@contextmanager
def gitlab(projects: int) -> Iterator[str]:
    """Yield the address of a GitLab with so many projects, which does not limit."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    options = ["--port", str(port), "--bulk", str(projects), "--rate-limit", str(NO_LIMIT)]
    process = subprocess.Popen([sys.executable, "-m", "tests.gitlab_double", *options], cwd=ROOT)
    try:
        _wait(url)
        httpx.post(f"{url}/__double__/faults", json={"match": "^/api/", "latency_ms": LATENCY_MS})
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            httpx.get(f"{url}/-/readiness", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def measure(url: str) -> dict[str, Pass]:
    """Return a listing of all projects and an idle pass after it, each after one of the same kind that warmed up."""
    source = open_source(f"gitlab:{url}", "double-default-token", TOPICS)
    try:
        await _pass(source, url, None)
        return {"all projects": await _pass(source, url, None), "an idle pass": await _pass(source, url, now_ms())}
    finally:
        await source.close()


async def _pass(source: Source, url: str, since: int | None) -> Pass:
    httpx.delete(f"{url}/__double__/requests")
    process = psutil.Process()
    before, began, told, most = process.memory_info().rss, time.monotonic(), 0, 0
    async for page in source.list_changed(since):
        told += len(page)
        most = max(most, process.memory_info().rss)
    seconds = time.monotonic() - began
    calls = len(httpx.get(f"{url}/__double__/requests", params={"path": "/api/*"}).json())
    return Pass(told, calls, seconds, max(most - before, 0) / MIB)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.catalog_sync", description=__doc__)
    parser.add_argument("--projects", type=int, default=10_000)
    with gitlab(parser.parse_args().projects) as url:
        found = asyncio.run(measure(url))
    print("| pass | projects | calls | seconds | memory grown by, MiB |\n| --- | ---: | ---: | ---: | ---: |")
    for name, each in found.items():
        print(f"| {name} | {each.projects} | {each.calls} | {each.seconds:.2f} | {each.grown_mib:.1f} |")


if __name__ == "__main__":
    main()
