"""The list of slow tests names tests that are there: who renames one hears of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import SLOW_TESTS, read_lines, read_slow

ROOT = SLOW_TESTS.parent.parent


@pytest.mark.parametrize("line", read_lines(SLOW_TESTS))
def test_a_line_names_what_is_there(line: str) -> None:
    place, _, name = line.partition("::")
    files = [ROOT / place] if name else list(ROOT.glob(place.partition("*")[0] + "*.py"))
    tests = [
        found for file in files for found in re.findall(r"def (test_\w+)|^class (Test\w+)", file.read_text(), re.M)
    ]
    wanted = name.partition("[")[0].split("::")[0].replace("*", ".*") or ".*"
    assert any(re.fullmatch(wanted, "".join(each)) for each in tests), line


def test_stars_stand_for_anything_and_brackets_for_themselves(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("# why\n\ntests/a.py::test_b[c*\n")
    (pattern,) = read_slow(file)
    assert pattern.fullmatch("tests/a.py::test_b[c-d]")
    assert not pattern.fullmatch("tests/a.py::test_b")
