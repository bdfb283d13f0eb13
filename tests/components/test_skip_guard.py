"""Under CI=true what is skipped unlisted fails the run, with xdist and without; what is listed does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest
def test_good(): pass
@pytest.mark.parametrize("engine", ["a"])
def test_skipped(engine): pytest.skip("no such component: engine")
@pytest.mark.xfail(reason="known defect 7")
def test_expected(): assert False
"""
WHOLE_FILE = 'import pytest\npytest.skip("no such library", allow_module_level=True)\n'
LISTED = """
# a comment
test_some.py::test_skipped[a] | no such component: *
test_some.py::test_expected | known defect 7
test_whole.py | no such library
"""


def run(
    folder: Path, allowed: str, *arguments: str, ci: str = "true", slow: str = ""
) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text().replace("pytest_plugins =", "_unused ="))
    (folder / "allowed_skips").write_text(allowed)
    (folder / "slow_tests").write_text(slow)
    (folder / "test_some.py").write_text(TESTS)
    (folder / "test_whole.py").write_text(WHOLE_FILE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist.plugin", *arguments]
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_unlisted_skips_fail(tmp_path: Path, workers: list[str]) -> None:
    done = run(tmp_path, "", *workers)
    assert done.returncode == 1, done.stdout
    assert "test_some.py::test_skipped[a] | no such component: engine" in done.stdout
    assert "test_some.py::test_expected | known defect 7" in done.stdout
    assert "test_whole.py | no such library" in done.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_listed_skips_pass(tmp_path: Path, workers: list[str]) -> None:
    done = run(tmp_path, LISTED, *workers)
    assert done.returncode == 0, done.stdout


def test_another_reason_is_not_the_listed_one(tmp_path: Path) -> None:
    done = run(tmp_path, LISTED.replace("known defect 7", "known defect 8"))
    assert done.returncode == 1, done.stdout


def test_a_developer_may_skip(tmp_path: Path) -> None:
    assert run(tmp_path, "", ci="").returncode == 0


def test_what_the_list_of_slow_tests_names_is_marked(tmp_path: Path) -> None:
    done = run(
        tmp_path, LISTED, "-m", "not slow", slow="# long\ntest_some.py::test_skipped*\ntest_some.py::test_exp*\n"
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped, 2 deselected" in done.stdout
