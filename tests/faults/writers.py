"""Concurrent writers that remember what was acknowledged, and what must then be found."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.components.server import MainspringServer
from tests.faults.http import Answer, Connection, data_of, steps_of

POINTS = 10
KINDS = ("metric", "batch", "run", "param", "tag")
GONE = (ConnectionError, asyncio.IncompleteReadError)


@dataclass
class Ledger:
    """Writes by (kind, writer, number): those sent, and those answered with 200; and what else was answered.

    With ``stopped`` the writers end, each once its last request is answered.
    """

    sent: set[tuple[str, int, int]] = field(default_factory=set)
    acknowledged: set[tuple[str, int, int]] = field(default_factory=set)
    refused: list[Answer] = field(default_factory=list)
    stopped: bool = False


def request_of(kind: str, experiment: str, run: str, writer: int, number: int) -> tuple[str, dict[str, Any]]:
    """Return the path and the message of a write."""
    name = f"{writer}-{number}"
    if kind == "metric":
        point = {"key": f"m{writer}", "value": number, "timestamp": 1, "step": number}
        return "runs/log-metric", {"run_id": run, **point}
    if kind == "batch":
        steps = range(number * POINTS, (number + 1) * POINTS)
        points = [{"key": f"b{writer}", "value": 1, "timestamp": 1, "step": step} for step in steps]
        pair = [{"key": f"b{name}", "value": name}]
        return "runs/log-batch", {"run_id": run, "metrics": points, "params": pair, "tags": pair}
    if kind == "run":
        tags = [{"key": "name", "value": name}, {"key": "again", "value": name}]
        return "runs/create", {"experiment_id": experiment, "tags": tags}
    return f"runs/{'log-parameter' if kind == 'param' else 'set-tag'}", {"run_id": run, "key": name, "value": name}


async def write(server: MainspringServer, experiment: str, run: str, writer: int, ledger: Ledger) -> None:
    """Write one thing after another until the server is gone, or the ledger is stopped."""
    try:
        connection = await Connection.open(server)
        number = 0
        while not ledger.stopped:
            for kind in KINDS:
                ledger.sent.add((kind, writer, number))
                answer = await connection.call(*request_of(kind, experiment, run, writer, number))
                if answer.status == 200:
                    ledger.acknowledged.add((kind, writer, number))
                else:
                    ledger.refused.append(answer)
                    await asyncio.sleep(0.2)
            number += 1
    except GONE:
        return


async def check(server: MainspringServer, experiment: str, run: str, ledger: Ledger) -> None:
    """Check that every acknowledged write is there once, each batch and run wholly or not at all, and nothing else."""
    connection = await Connection.open(server)
    data = await data_of(connection, run)
    params, tags = data["params"], data["tags"]
    assert all(name == value or name == f"b{value}" for name, value in params.items())
    found = {("param", *numbers(name)) for name in params if not name.startswith("b")}
    found |= {("tag", *numbers(name)) for name in tags if name[0].isdigit()}
    for writer in {writer for _, writer, _ in ledger.sent}:
        steps = await steps_of(connection, run, f"m{writer}")
        assert len(steps) == len(set(steps))
        found |= {("metric", writer, step) for step in steps}
        whole = await steps_of(connection, run, f"b{writer}")
        batches = {number for kind, each, number in ledger.sent if kind == "batch" and each == writer}
        there = {number for number in batches if f"b{writer}-{number}" in params}
        assert there == {number for number in batches if f"b{writer}-{number}" in tags}
        assert whole == sorted(step for number in there for step in range(number * POINTS, (number + 1) * POINTS))
        found |= {("batch", writer, number) for number in there}
    runs = await names_of_runs(connection, experiment)
    assert len(runs) == len(set(runs))
    found |= {("run", *numbers(name)) for name in runs}
    await connection.close()
    assert ledger.acknowledged <= found, ledger.acknowledged - found
    assert found <= ledger.sent, found - ledger.sent


def numbers(name: str) -> tuple[int, int]:
    writer, _, number = name.partition("-")
    return int(writer), int(number)


async def names_of_runs(connection: Connection, experiment: str) -> list[str]:
    """Return the tag ``name`` of every run that the writers made; each has its second tag too."""
    query = {"experiment_ids": [experiment], "max_results": 50_000, "filter": "tags.name LIKE '%'"}
    runs = (await connection.call("runs/search", query)).json.get("runs", [])
    tags = [{tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in runs]
    assert all(each["again"] == each["name"] for each in tags)
    return [each["name"] for each in tags]
