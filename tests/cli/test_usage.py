"""What the command line says to what it does not understand, and how it ends."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mainspring import __version__
from tests.cli.conftest import Typed
from tests.components.ports import free_port


def start(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mainspring.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs", "get"], "Missing argument 'run_id'. Try 'mainspring runs get --help'."),
        (["attic"], "No such command 'attic'. Try 'mainspring --help'."),
        (["runs", "attic"], "No such command 'attic'. Try 'mainspring runs --help'."),
        (["runs", "get", "x", "--attic"], "No such option: --attic. Try 'mainspring runs get --help'."),
        (["models", "versions", "get", "x", "one"], "Invalid value for 'version'"),
        (["up", "--port", "abc"], "Invalid value for '--port'"),
        (["up", "--port", "70000"], "The setting port is '70000'; it must be a port from 0 to 65535."),
        (["up", "--workers", "2"], "The setting workers is '2'; it must be 1 on SQLite"),
        (["up", "--log-level", "loud"], "The setting log_level is 'loud'; it must be debug, info, warning, error."),
        (["up", "--database-url", "oracle://x/y"], "database_url has the scheme 'oracle'"),
        (["runs", "search", "--url", "nowhere"], "'nowhere' is no address of a server"),
        (["runs", "log", "x", "--metric", "loss"], "--metric is 'loss'; it must be KEY=VALUE."),
        (["runs", "log", "x", "--metric", "loss=low"], "The metric loss is 'low'; it must be a number."),
        (["runs", "update", "x", "--status", "DONE"], "status is 'DONE'; it must be one of RUNNING"),
        (["artifacts", "download", "x", "../y"], "'..' would leave the folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_one_line(typed: Typed, words: list[str], message: str) -> None:
    said = typed(*words, code=2)
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1
    assert message in said.err


def test_nobody_answers(typed: Typed) -> None:
    said = typed("runs", "search", "--url", f"http://127.0.0.1:{free_port()}", code=10)
    assert "No server answers at" in said.err
    assert said.err.count("\n") == 1


def test_an_error_of_the_server(on_server: Typed) -> None:
    said = on_server("runs", "get", "nowhere", code=5)
    assert "nowhere" in said.err
    assert "(request " in said.err


def test_help_names_the_commands(typed: Typed) -> None:
    for words in ([], ["runs"], ["models", "versions"]):
        assert "Usage: mainspring" in typed(*words, code=2).out
        assert "--help" in typed(*words, "--help").out


def test_version(typed: Typed) -> None:
    assert typed("version").out == typed("--version").out == f"{__version__}\n"


def test_as_a_process_of_its_own() -> None:
    done = start("runs", "get")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert start("version").stdout == f"{__version__}\n"


@pytest.mark.parametrize("words", [["--version"], ["runs", "--help"], ["config", "show"], ["config", "show", "--json"]])
def test_a_reader_that_goes_away_is_no_defect(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        command = [sys.executable, "-m", "mainspring.cli.main", *words]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_command_line_loads_no_server() -> None:
    code = (
        "import sys, mainspring.cli.main; heavy = {'httpx', 'litestar', 'sqlalchemy', 'uvicorn', 'alembic'}; "
        "print(heavy & {name.partition('.')[0] for name in sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


@pytest.mark.parametrize("words", [["models", "delete", "m"], ["models", "versions", "delete", "m", "1"]])
def test_what_is_gone_for_good_must_be_confirmed(
    on_server: Typed, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    with open("/dev/null") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        assert "--yes" in on_server(*words, code=7).err
    assert "not found" in on_server(*words, "--yes", code=5).err


def test_control_characters_of_others_do_not_reach_the_terminal(on_server: Typed, tmp_path: Path) -> None:
    run_id = on_server("runs", "create", "--name", "a\x1b[31mb\x07", "--quiet").out.strip()
    for words in (["runs", "get", run_id], ["runs", "search"]):
        said = on_server(*words)
        assert "\x1b" not in said.out
        assert "\x07" not in said.out
        assert "a\N{REPLACEMENT CHARACTER}[31mb" in said.out


def test_empty_answers_say_what_to_do(on_server: Typed) -> None:
    experiment = on_server("experiments", "create", "empty", "--quiet").out.strip()
    hints: list[tuple[Callable[[], list[object]], str]] = [
        (lambda: ["runs", "search", experiment], f"No runs in {experiment}."),
        (lambda: ["experiments", "search", "--filter", "name = 'none'"], "mainspring experiments create"),
        (lambda: ["models", "search", "--filter", "name = 'none'"], "mainspring models create"),
        (lambda: ["logged-models", "search", experiment], "No logged models"),
    ]
    for words, hint in hints:
        said = on_server(*words())
        assert said.out == ""
        assert hint in said.err
