"""What the bench of the catalog asks for, and that its figures can be had."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import islice

import pytest

from bench.catalog import Figures, at, check, queries
from bench.products import ROOT


def test_searches_are_all_others_and_the_same_each_time() -> None:
    first, second = (list(islice(queries(random.Random(5)), 50)) for _ in range(2))
    assert first == second
    assert len({str(each) for each in first}) == 50


def test_a_ratio_is_of_the_middle_of_both() -> None:
    assert Figures([1.0, 2.0, 9.0], [40.0, 60.0, 100.0], 5, 1).ratio == 30
    assert at([float(each) for each in range(101)], 0.95) == 95


def test_pages_of_a_search_must_agree() -> None:
    assert check({"numberMatched": 3}, []) == check({"numberMatched": 3}, [3]) == 3
    with pytest.raises(Exception, match="the one before said 4"):
        check({"numberMatched": 3}, [4])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_figures_of_the_catalog_can_be_had() -> None:
    command = [sys.executable, "-m", "bench.catalog", "--quick", "--database", "sqlite"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| SQLite |" in done.stdout
