"""What the profile of requests makes of the times that it reads, and that it can be had."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.products import ROOT
from bench.profile import Parts, table


def test_parts_are_of_one_request() -> None:
    found = Parts(1.5, 0.5, 2.0, 1.0, 1.0).since(Parts(0.5, 0.5, 1.0, 0.0, 0.0), 10_000)
    assert found == Parts(100, 0, 100, 100, 100)
    assert found.all == 300


def test_a_table_has_the_parts_that_the_database_has() -> None:
    rows = {"get-run": Parts(50.0, 10.0, 30.0, 10.0, 25.0)}
    assert table(rows, "postgresql").splitlines()[-1] == "| get-run | 100 | 50 | 10 | 30 | 10 | 25% |"
    assert table({"get-run": Parts(50.0, 50.0)}, "sqlite").splitlines()[-1] == "| get-run | 100 | 50 | 50 | 0% |"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_profile_can_be_had() -> None:
    chosen = ["--quick", "--database", "sqlite", "--cases", "get-run,set-tag"]
    done = subprocess.run([sys.executable, "-m", "bench.profile", *chosen], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| GET /health, 16 connections |" in done.stdout
