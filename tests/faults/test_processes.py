"""Two servers of two processes each on one PostgreSQL: they agree on names, values, numbers and states."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psutil
import psycopg
import pytest

from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer
from tests.faults.http import Answer, Connection, data_of, start_run, steps_of

EACH, MOST = 3, 200
"""Connections to each process, and how many are opened at most to get them."""


@pytest.fixture(scope="module")
def servers(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[MainspringServer]]:
    """Two servers that were started at once on an empty database."""
    url = postgres.database_url(create_database(postgres))
    folder = tmp_path_factory.mktemp("processes")
    both = [MainspringServer(folder / name, "--workers", "2", database_url=url) for name in ("a", "b")]
    starts = [threading.Thread(target=server.start) for server in both]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from mainspring_version").fetchone() == (1,)
        assert connection.execute("select count(*) from experiments").fetchone() == (1,)
    yield both
    for server in both:
        server.stop()


def race(servers: list[MainspringServer], test: Callable[[list[Connection]], Awaitable[None]]) -> None:
    """Run a test with connections to all processes, as many to each."""

    async def run() -> None:
        connections: list[Connection] = []
        for server in servers:
            connections += await open_to_each_worker(server)
        await test(connections)
        for connection in connections:
            await connection.close()

    asyncio.run(run())


async def open_to_each_worker(server: MainspringServer) -> list[Connection]:
    """Return connections to both processes of a server in turn: it is chance which takes the next."""
    found: dict[int, list[Connection]] = {}
    spare: list[Connection] = []
    for _ in range(MOST):
        connection = await Connection.open(server)
        assert (await connection.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        mine = found.setdefault(worker_of(server, connection), [])
        (mine if len(mine) < EACH else spare).append(connection)
        if sorted(map(len, found.values())) == [EACH, EACH]:
            break
    else:
        raise AssertionError(f"of {MOST} connections the two processes took {[len(each) for each in found.values()]}")
    for connection in spare:
        await connection.close()
    return [connection for pair in zip(*found.values(), strict=True) for connection in pair]


def worker_of(server: MainspringServer, connection: Connection) -> int:
    """Return the process that has the other end of a connection."""
    port = connection.writer.get_extra_info("sockname")[1]
    for child in psutil.Process(server.pid).children(recursive=True):
        if any(each.raddr and each.raddr.port == port for each in child.net_connections("tcp")):
            return child.pid
    raise AssertionError(f"no process of {server.url} has the connection from port {port}")


async def at_once(connections: list[Connection], path: str, messages: list[Any]) -> list[Answer]:
    """Send a message on each connection, all at the same time."""
    calls = zip(connections, messages, strict=True)
    return await asyncio.gather(*(connection.call(path, message) for connection, message in calls))


def check_one_won(answers: list[Answer], code: str) -> int:
    """Check that one was taken and the others were refused with 400 and this code; return which was taken."""
    assert Counter(answer.status for answer in answers) == {200: 1, 400: len(answers) - 1}, answers
    assert {answer.json["error_code"] for answer in answers if answer.status == 400} == {code}
    return [answer.status for answer in answers].index(200)


def test_one_gets_the_name(servers: list[MainspringServer]) -> None:
    async def test(connections: list[Connection]) -> None:
        for number in range(5):
            for path in ("experiments/create", "registered-models/create"):
                answers = await at_once(connections, path, [{"name": f"same {number}"}] * len(connections))
                check_one_won(answers, "RESOURCE_ALREADY_EXISTS")

    race(servers, test)


def test_one_is_renamed(servers: list[MainspringServer]) -> None:
    async def test(connections: list[Connection]) -> None:
        created = [{"name": f"old {number}"} for number in range(len(connections))]
        ids = [answer.json["experiment_id"] for answer in await at_once(connections, "experiments/create", created)]
        assert len(set(ids)) == len(connections)
        answers = await at_once(
            connections, "experiments/update", [{"experiment_id": each, "new_name": "new"} for each in ids]
        )
        winner = check_one_won(answers, "RESOURCE_ALREADY_EXISTS")
        for connection in connections:
            found = (await connection.call("experiments/get-by-name", {"experiment_name": "new"}, "GET")).json
            assert found["experiment"]["experiment_id"] == ids[winner]

    race(servers, test)


def test_a_param_has_one_value(servers: list[MainspringServer]) -> None:
    async def test(connections: list[Connection]) -> None:
        _, run = await start_run(connections[0], "params")
        for number in range(5):
            values = [{"run_id": run, "key": f"p{number}", "value": str(place)} for place, _ in enumerate(connections)]
            winner = check_one_won(await at_once(connections, "runs/log-parameter", values), "INVALID_PARAMETER_VALUE")
            for connection in connections:
                assert (await data_of(connection, run))["params"][f"p{number}"] == str(winner)

    race(servers, test)


def test_what_one_deletes_the_others_refuse(servers: list[MainspringServer]) -> None:
    async def test(connections: list[Connection]) -> None:
        _, run = await start_run(connections[0], "deleted")
        pair = {"run_id": run, "key": "k", "value": "v"}
        for deleting in connections[:2]:
            assert (await deleting.call("runs/delete", {"run_id": run})).status == 200
            for connection in connections:
                answer = await connection.call("runs/set-tag", pair)
                assert answer.status == 400, answer
                assert "must be in the 'active' state" in answer.json["message"]
            assert (await deleting.call("runs/restore", {"run_id": run})).status == 200
            assert {(await connection.call("runs/set-tag", pair)).status for connection in connections} == {200}

    race(servers, test)


def test_batches_to_one_run(servers: list[MainspringServer]) -> None:
    """Points that overlap are kept once, and the latest is the greatest by step, whoever came last."""
    points, rounds = 50, 8

    async def test(connections: list[Connection]) -> None:
        _, run = await start_run(connections[0], "batches")

        async def log(connection: Connection, place: int) -> None:
            for number in range(rounds):
                first = (place // 2 + number) * points
                metrics = [
                    {"key": key, "value": step, "timestamp": 1, "step": step}
                    for step in range(first, first + points)
                    for key in ("a", "b")
                ]
                tags = [{"key": name, "value": str(place)} for name in ("x", "y", f"only{place}")]
                answer = await connection.call("runs/log-batch", {"run_id": run, "metrics": metrics, "tags": tags})
                assert answer.status == 200, answer

        await asyncio.gather(*(log(connection, place) for place, connection in enumerate(connections)))
        last = ((len(connections) - 1) // 2 + rounds) * points - 1
        for connection in connections[:4]:
            for key in ("a", "b"):
                assert await steps_of(connection, run, key) == list(range(last + 1))
            data = (await connection.call("runs/get", {"run_id": run}, "GET")).json["run"]["data"]
            assert [(metric["key"], metric["step"], metric["value"]) for metric in data["metrics"]] == [
                ("a", last, last),
                ("b", last, last),
            ]
            tags = {tag["key"]: tag["value"] for tag in data["tags"]}
            assert tags["x"] == tags["y"]
            assert all(tags[f"only{place}"] == str(place) for place, _ in enumerate(connections))

    race(servers, test)


def test_versions_are_numbered_without_gaps(servers: list[MainspringServer]) -> None:
    async def test(connections: list[Connection]) -> None:
        assert (await connections[0].call("registered-models/create", {"name": "numbered"})).status == 200
        new = {"name": "numbered", "source": "s3://bucket/model"}
        numbers: list[int] = []
        for _ in range(5):
            answers = await at_once(connections, "model-versions/create", [new] * len(connections))
            numbers += [int(answer.json["model_version"]["version"]) for answer in answers]
        assert sorted(numbers) == list(range(1, 5 * len(connections) + 1))

    race(servers, test)
