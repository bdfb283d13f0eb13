"""Artifacts on a real S3 (Ceph's RADOS Gateway), beside a copy that does nothing but obstore's own work."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from bench import BenchError, artifacts
from bench.cases import Case, Goal
from bench.products import MAINSPRING, ROOT, Product
from bench.report import Results
from bench.servers import Server
from bench.subject import Sample, Size, Subject
from tests.components.rgw import RadosGateway

BARE = Product("bare copy by obstore", version("obstore"), lambda *_: [])
AT_MOST = 1.3


def cases(size: Size) -> dict[str, Case]:
    """Return the rows; `times` is the inverse of how much more CPU the server may need."""
    goal = Goal(f"≤ {AT_MOST} × the copy's CPU", times=1 / AT_MOST)
    case = Case("", "CPU s", more_is_better=False, goal=goal, growth=Goal("≤ 16 MiB", most=16))
    return {
        "artifact-put": replace(case, title=f"artifact of {size.artifact_mib:,} MiB, PUT", run=artifacts.put),
        "artifact-get": replace(case, title=f"artifact of {size.artifact_mib:,} MiB, GET", run=artifacts.get),
    }


@contextmanager
def gateway() -> Iterator[tuple[str, dict[str, str]]]:
    """Start a gateway; yield the URL of an empty bucket and the variables that give the keys."""
    home = Path(tempfile.mkdtemp(prefix="mainspring-bench-rgw-"))
    ceph = RadosGateway(home)
    try:
        ceph.start()
        yield f"s3://{ceph.server.create_bucket()}", ceph.server.environment
    finally:
        ceph.stop()
        shutil.rmtree(home)


def bare_copy(action: str, url: str, variables: dict[str, str], file: Path) -> Sample:
    """Run `bench.bare_copy`; the figure is its CPU seconds."""
    command = [sys.executable, "-m", "bench.bare_copy", action, url, str(file)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"the bare copy failed:\n{done.stderr[-2000:]}")
    cpu, growth = map(float, done.stdout.split())
    return Sample(cpu, growth_mib=growth)


def measure(size: Size, rounds: int) -> Results:
    """Put and get the file, in turns by the bare copy and through a server whose artifacts are in the bucket."""
    results = Results([BARE, MAINSPRING], cases(size))
    with gateway() as (url, variables):
        product = replace(
            MAINSPRING,
            command=lambda *place: [*MAINSPRING.command(*place), "--artifacts-url", url],
            variables=variables,
        )
        server = Server(product, "sqlite")
        try:
            subject = Subject(server, size)
            file, _ = artifacts.source_file(subject)
            for _ in range(rounds):
                for name, case in results.cases.items():
                    assert case.run
                    server.settle(calm_windows=1)
                    results.add(name, MAINSPRING.name, case.run(subject))
                    results.add(name, BARE.name, bare_copy(name.removeprefix("artifact-"), url, variables, file))
        finally:
            server.stop()
    return results
