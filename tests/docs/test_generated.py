"""The generated pages of docs/ are what `make docs` would write now."""

import subprocess
import sys

from tests.docs.pages import ROOT


def test_generated_pages_are_current() -> None:
    command = [sys.executable, "scripts/docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make docs`:\n{done.stdout}{done.stderr}"
