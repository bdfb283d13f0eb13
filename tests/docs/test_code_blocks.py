"""What the documentation shows, works: every Python and shell block of every page is run.

A page runs in a folder of its own beside ``examples``, against a fresh server in place of
``http://127.0.0.1:5000``.
"""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.components.environment import fresh_environment
from tests.components.server import MainspringServer
from tests.docs.pages import PAGES, ROOT, Program, programs

ADDRESS = "http://127.0.0.1:5000"
SECONDS = 240


def command(program: Program) -> list[str]:
    """Return what runs a program that comes on standard input."""
    return [sys.executable, "-"] if program.language == "python" else ["bash", "-euo", "pipefail", "-s"]


def run(program: Program, folder: Path) -> None:
    """Run a program in ``folder``; fail with what it printed."""
    environment = {
        **fresh_environment(),
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        command(program),
        input=program.source,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}; line numbers are the page's:\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_runs(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    blocks = programs(page.read_text())
    needs_server = any(ADDRESS in program.source for program in blocks)
    with MainspringServer(tmp_path / "data") if needs_server else nullcontext() as server:
        for program in blocks:
            program.source = program.source.replace(ADDRESS, server.url if server else ADDRESS)
            run(program, folder)


PAGE = """# Title
```python
x = 1
```
Text.
```json
{"not": "run"}
```
1. A list
   ```python
   assert x == 1
   if x:
       print("one")
   ```
<!-- not run: it would stop the machine -->
```sh
shutdown now
```
```sh
echo hello >greeting
```
```python
assert open("greeting").read() == "hello\\n"
raise SystemExit(3)
```
"""


def test_blocks_of_a_page_become_programs(tmp_path: Path) -> None:
    first, shell, last = programs(PAGE)
    assert [first.language, shell.language, last.language] == ["python", "sh", "python"]
    assert first.source.splitlines()[10] == "assert x == 1"
    run(first, tmp_path)
    run(shell, tmp_path)
    with pytest.raises(AssertionError, match="exit code 3"):
        run(last, tmp_path)


def test_error_points_into_the_page(tmp_path: Path) -> None:
    (program,) = programs("# Title\n\n```python\nprint(1)\n1 / 0\n```\n")
    with pytest.raises(AssertionError, match="line 5"):
        run(program, tmp_path)


def test_a_failing_line_of_a_shell_block_fails(tmp_path: Path) -> None:
    (program,) = programs("```sh\nfalse\ntrue\n```\n")
    with pytest.raises(AssertionError, match="exit code 1"):
        run(program, tmp_path)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```py\nprint(1)\n```\n", "'py' is neither run"),
        ("```console\n$ ls\n```\n", "'console' is neither run"),
        ("```python\nprint(1)\n", "never closed"),
    ],
)
def test_blocks_that_would_escape_are_refused(page: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        programs(page)


def test_an_excuse_needs_a_reason() -> None:
    assert programs("<!-- not run: -->\n```sh\ntrue\n```\n")
    assert programs("<!-- not run: needs a cluster -->\n```sh\ntrue\n```\n") == []
