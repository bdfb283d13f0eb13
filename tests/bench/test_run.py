"""The bench itself, on Mainspring alone: its cases must find what they wrote, and count it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.products import ROOT


def bench(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, dict[str, object]]]:
    account = folder / "account.json"
    command = [sys.executable, "-m", "bench", "--quick", "--only", "mainspring", "--json", str(account), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done, json.loads(account.read_text())["sqlite"] if account.exists() else {}


def test_an_unknown_case_is_told(tmp_path: Path) -> None:
    done, _ = bench(tmp_path, "--cases", "log-metrics")
    assert done.returncode == 1
    assert "unknown cases: log-metrics; known are log-metric-1, log-metric-16" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_case_that_needs_no_peer_passes(tmp_path: Path) -> None:
    done, account = bench(tmp_path, "--database", "sqlite")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(isinstance(cells["Mainspring"], list) for cells in account.values())
    assert "| log-metric, 16 connections | requests/CPU s |" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", ["searches", "charts", "memory"])
def test_the_long_figures_can_be_had(part: str) -> None:
    command = [sys.executable, "-m", "bench.scale", "--quick", "--database", "sqlite", "--parts", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "### SQLite" in done.stdout
