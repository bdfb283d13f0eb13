"""Lineage from a terminal."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import msgspec

from tests.cli.conftest import Typed


def test_a_tree(on_server: Typed, tmp_path: Path) -> None:
    run, job = uuid4(), f"j-{uuid4().hex[:12]}"
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-05-01T12:00:00Z",
        "producer": "https://airflow.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(run), "facets": {"long": {"text": "x" * 20_000}}},
        "job": {"namespace": "airflow", "name": job},
        "inputs": [{"namespace": f"s3://{job}", "name": "raw"}],
        "outputs": [{"namespace": f"s3://{job}", "name": "clean\n\x1b[31m"}],
    }
    file = tmp_path / "event.json"
    file.write_bytes(msgspec.json.encode(event))
    said = on_server("lineage", "emit", file).out.splitlines()
    assert said == ["Taken: 1 event.", "The facet long was left out: it is too long."]
    assert on_server("lineage", "emit", file, "--json").json == {"events": 1, "left_out": ["long"]}
    shown = on_server("lineage", "show", f"dataset:s3://{job}/raw").out
    first, second, third = (line.rstrip() for line in shown.splitlines())
    assert first == f"dataset:s3://{job}/raw  s3://{job}/raw  default/default led to"
    assert second == f"└── job_run:{run}  airflow/{job}  default/default"
    assert third.startswith(f"    └── dataset:s3://{job}/clean\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m  ")
    up = on_server("lineage", "show", f"job_run:{run}", "--direction", "up", "--json").json
    assert {node["id"] for node in up["nodes"]} == {f"job_run:{run}", f"job:airflow/{job}", f"dataset:s3://{job}/raw"}


def test_what_is_wrong_is_said(on_server: Typed, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text("{")
    assert "is no node" in on_server("lineage", "show", "wine", code=2).err
    assert "it must be 1 to 5" in on_server("lineage", "show", "run:x", "--hops", "9", code=2).err
    assert "both, up, down" in on_server("lineage", "show", "run:x", "--direction", "left", code=2).err
    assert "you may not see it" in on_server("lineage", "show", "run:x", code=5).err
    assert "is no JSON" in on_server("lineage", "emit", tmp_path / "wrong.json", code=2).err
    assert "cannot be read" in on_server("lineage", "emit", tmp_path / "none.json", code=2).err
    assert "Either run_id or of" in on_server("lineage", "events", code=2).err
