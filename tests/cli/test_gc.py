"""``mainspring gc``: what it prints, and what it takes for a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import mainspring as ms
from mainspring.cli.gc import _age
from mainspring.kit.errors import InvalidArgument
from tests.cli.conftest import Typed
from tests.components.server import MainspringServer


def make_run(typed: Typed, experiment: str, file: Path) -> str:
    """Make a run with a file, and return its id."""
    run = typed("runs", "create", "--experiment", experiment, "--quiet").out.strip()
    typed("artifacts", "upload", run, file)
    return run


def test_what_was_deleted_goes_for_good(
    typed: Typed, server: MainspringServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAINSPRING_URL", server.url)
    file = tmp_path / "f.bin"
    file.write_bytes(b"x" * 1500)
    experiment = typed("experiments", "create", f"gc {tmp_path}", "--quiet").out.strip()
    held, gone, named = (make_run(typed, experiment, file) for _ in range(3))
    name = f"gc-{experiment}"
    typed("models", "create", name)
    typed("models", "versions", "create", name, f"runs:/{held}/f.bin", "--run-id", held)
    said = typed("gc", "--run-ids", held, code=7)
    assert f"Run '{held}' is active" in said.err
    typed("experiments", "delete", experiment)
    of_it = ("gc", "--experiment-ids", experiment)

    assert typed("gc", "--run-ids", f"{gone},{named}", "--older-than", "1h", code=7)
    said = typed("gc", "--run-ids", named, "--dry-run")
    assert said.out == "Would delete for good: 1 run, 0 logged models, 0 experiments; 1 file, 1.5 kB.\n"
    found = typed("gc", "--run-ids", named, "--json").json
    assert (found["runs"], found["files"], found["bytes"], found["kept"]) == (1, 1, 1500, [])
    said = typed(*of_it, "--dry-run")
    assert "Would delete for good: 1 run, 0 logged models, 0 experiments; 1 file, 1.5 kB." in said.out
    said = typed(*of_it)
    assert said.out.startswith("Deleted for good: 1 run, 0 logged models, 0 experiments; 1 file, 1.5 kB.")
    assert f"version 1 of the model '{name}' has its files there" in said.out
    typed("runs", "get", gone, code=5)
    typed("models", "versions", "download", name, 1, "--to", tmp_path / "version", code=0)
    typed("models", "delete", name, "--yes")
    assert "1 run, 0 logged models, 1 experiment" in typed(*of_it).out
    assert "not found" in typed(*of_it, code=5).err


def test_the_sdk_tells_how_far_it_has_come(server: MainspringServer) -> None:
    with ms.connect(server.url) as client:
        experiment = client.experiments.create("told").experiment_id
        for _ in range(3):
            client.runs.create(experiment)
        client.experiments.delete(experiment)
        told: list[tuple[int, int]] = []
        total = client.storage.gc(
            experiment_ids=[experiment], progress=lambda total: told.append((total.runs, total.experiments))
        )
    assert told[-1] == (total.runs, total.experiments) == (3, 1)
    assert total.next_page_token is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("30d", timedelta(days=30)),
        ("7d12h", timedelta(days=7, hours=12)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_times(text: str, time: timedelta) -> None:
    assert _age(text) == time


@pytest.mark.parametrize("text", ["", "30", "d", "1h1d", "-1d", "1d ", "1e3d", "..d", "1.2.3d", "9999999d", "٣d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidArgument, match="it must be a time such as 30d, 7d12h"):
        _age(text)
