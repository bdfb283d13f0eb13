"""A server with many runs arrives without loss, from wherever it is read, in flat memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from tests.components.server import MainspringServer
from tests.transfer.conftest import COMMAND, client_of, mainspring, original_server
from tests.transfer.original import Rows, add_rows, many_rows, write_rows
from tests.transfer.seen import hashes, history_of, pages, point_of


@contextmanager
def holding(kind: str, rows: Rows, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the address of a store of the original that holds these rows."""
    if kind == "file":
        write_rows(folder / "mlruns", rows)
        yield str(folder / "mlruns")
        return
    url = f"sqlite:///{folder}/mlflow.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_database").replace("postgresql://", "postgresql+psycopg://")
    MlflowClient(url).search_experiments()  # makes the tables
    add_rows(url, rows)
    if kind == "rest":
        with original_server(folder) as address:
            yield address
    else:
        yield url.replace("+psycopg", "")


def runs_of(client: MlflowClient) -> dict[str, Any]:
    """Return what the client sees of each run of the experiment."""
    found = pages(client.search_runs, experiment_ids=["77"], run_view_type=ViewType.ALL)
    return {
        run.info.run_id: (
            (run.info.run_name, run.info.user_id, run.info.status, run.info.lifecycle_stage),
            (run.info.start_time, run.info.end_time, run.data.params, run.data.tags),
            sorted((point.key, *point_of(point)) for point in run.data._metric_objs),
        )
        for run in found
    }


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("kind", "runs"),
    [
        ("sqlite", 300),
        pytest.param("file", 300, marks=pytest.mark.slow),
        *(pytest.param(kind, 10_000, marks=pytest.mark.slow) for kind in ("sqlite", "postgresql", "file", "rest")),
    ],
)
def test_many_runs_arrive(
    kind: str, runs: int, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = many_rows(tmp_path / "mlruns", runs)
    with holding(kind, rows, tmp_path, request) as address:
        report = mainspring("import", "mlflow", address, "--data", tmp_path / "data", "--json").json
    assert report["complete"] is True
    [many] = [each for each in report["experiments"] if each["name"] == "many"]
    counts = {"runs": runs, "params": 5 * runs, "tags": 2 * runs, "points": len(rows["metrics"])}
    assert {name: many["here"][name] for name in counts} == counts
    assert report["files"]["files"] == runs // 10
    url = f"sqlite:///{tmp_path}/reference.db"
    reference = MlflowClient(url)
    reference.search_experiments()
    add_rows(url, rows)
    with MainspringServer(tmp_path / "data") as server, client_of(server.url) as client:
        assert runs_of(client) == runs_of(reference)
        for row in rows["runs"][:: runs // 30]:
            for key in ("m0", "m1", "m2"):
                assert history_of(client, row["run_uuid"], key) == history_of(reference, row["run_uuid"], key)
        long = rows["runs"][1]["run_uuid"]
        assert len(client.get_metric_history(long, "m1")) == 30_000
    kept = {path: sha256 for path, sha256 in hashes(tmp_path / "data" / "artifacts").items() if path.startswith("77/")}
    there = hashes(tmp_path / "mlruns" / "77")
    assert kept == {f"77/{path}": there[path] for path in there if "/artifacts/" in path}


@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """A history of a million points is never held whole, neither on the way in nor on the way out."""
    folder = tmp_path / "mlruns" / "5" / f"{0:032x}"
    for name in ("params", "tags", "metrics", "artifacts"):
        (folder / name).mkdir(parents=True)
    (folder.parent / "meta.yaml").write_text("{name: long, experiment_id: '5'}")
    (folder / "meta.yaml").write_text(f"{{run_id: '{folder.name}', status: 3, start_time: 1}}")
    with (folder / "metrics" / "loss").open("w") as file:
        file.writelines(f"{step} {step / 3} {step}\n" for step in range(1_000_000))
    data, out = tmp_path / "data", tmp_path / "out"
    assert peak_mib("import", "mlflow", tmp_path / "mlruns", "--data", data) < 200
    assert peak_mib("export", out, "--data", data) < 200
    assert mainspring("export", tmp_path / "again", "--data", data, "--json").json["tables"]["metrics"]["rows"] == 10**6


# A program counts as its own what the program that started it held at that moment: a small one starts it here.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_mib(*words: object) -> float:
    """Run ``mainspring`` as a program, and return the most memory that it held, in MiB."""
    command = [sys.executable, "-c", MEASURE, *COMMAND, *map(str, words)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024
