"""The load generator: a process of its own that keeps N HTTP/1.1 connections busy for some seconds.

`python -m bench.load` reads one line of JSON (the plan), warms the server up, prints `ready`, waits for a line, sends
until the time is over or `requests` are sent, waits for every answer, and prints one line of JSON. Each connection has
one request under way, as a client has. An answer other than 200 stops everything.
"""

import asyncio
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import httptools
import uvloop

from bench.dataset import HISTORY_KEY, history_point

Plan = dict[str, Any]


class Connection(asyncio.Protocol):
    """One keep-alive connection; `send` gives the status and the length of the answer's body."""

    transport: asyncio.Transport
    parser: httptools.HttpResponseParser
    answer: asyncio.Future[tuple[int, int]]
    size: int
    begin: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.answer = asyncio.get_running_loop().create_future()
        self.answer.set_result((0, 0))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionError("the server closed the connection in the middle of a request"))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        self.begin = self.begin or body[:300]

    def on_message_complete(self) -> None:
        self.answer.set_result((self.parser.get_status_code(), self.size))

    async def send(self, request: bytes) -> tuple[int, int]:
        if self.transport.is_closing():
            raise ConnectionError("the server closed the connection between two requests")
        self.parser = httptools.HttpResponseParser(self)
        self.answer = asyncio.get_running_loop().create_future()
        self.size, self.begin = 0, b""
        self.transport.write(request)
        return await self.answer


def request(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """Return the bytes of one HTTP/1.1 request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def post(path: str, body: dict[str, Any]) -> bytes:
    """Return a POST of JSON."""
    return request("POST", path, json.dumps(body).encode())


def write(path: str, run_id: str, body: dict[str, Any]) -> bytes:
    """Return a write to a run, with its id under both names, as MLflow's client sends it."""
    return post(f"/api/2.0/mlflow/runs/{path}", {"run_uuid": run_id, "run_id": run_id, **body})


def log_metric(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield one point after the other of one run: a training loop."""
    for step in itertools.count():
        timestamp, value = history_point(step)
        point = {"key": HISTORY_KEY, "value": value, "timestamp": timestamp, "step": step}
        yield write("log-metric", plan["runs"][connection], point)


def log_batch(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield batches of points: `plan["steps"]` further steps of each of `plan["keys"]` metrics."""
    steps, keys = plan["steps"], [f"k{key}" for key in range(plan["keys"])]
    for batch in itertools.count():
        points = []
        for step in range(batch * steps, (batch + 1) * steps):
            timestamp, value = history_point(step)
            points += [{"key": key, "value": value, "timestamp": timestamp, "step": step} for key in keys]
        yield post("/api/2.0/mlflow/runs/log-batch", {"run_id": plan["runs"][connection], "metrics": points})


def create_run(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield new runs with the tags that the fluent client sends."""
    tags = {"mlflow.user": "bench", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    for number in itertools.count():
        name = f"new-{connection}-{number}"
        body = {"experiment_id": plan["experiment"], "start_time": 1_700_000_000_000 + number}
        body |= {"user_id": "bench", "run_name": name, "tags": pairs}
        yield post("/api/2.0/mlflow/runs/create", body)


def entries(path: str, plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield one new param or tag after the other, to the connection's runs in turn."""
    runs = plan["runs"][connection]
    for number in itertools.count():
        body = {"key": f"k{number // len(runs)}", "value": f"value {number}"}
        yield write(path, runs[number % len(runs)], body)


def log_parameter(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield new params."""
    return entries("log-parameter", plan, connection)


def set_tag(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield new tags."""
    return entries("set-tag", plan, connection)


def ask(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield the same POST again and again."""
    return itertools.repeat(post(plan["path"], plan["body"]))


def get(plan: Plan, connection: int) -> Iterator[bytes]:
    """Yield reads of some paths in turn; each connection begins at another one."""
    paths = plan["paths"]
    begin = connection * len(paths) // plan["connections"]
    return itertools.cycle([request("GET", path) for path in paths[begin:] + paths[:begin]])


def signed(requests: Iterator[bytes], token: str) -> Iterator[bytes]:
    """Yield requests as they come from whoever has a token."""
    end = f"\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    return (each.replace(b"\r\n\r\n", end, 1) for each in requests) if token else requests


KINDS: dict[str, Callable[[Plan, int], Iterator[bytes]]] = {
    make.__name__: make for make in (log_metric, log_batch, create_run, log_parameter, set_tag, ask, get)
}


class Load:
    """The connections of one plan, and what was acknowledged on each since the start."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.done = [0] * plan["connections"]
        self.left = plan.get("requests", math.inf)
        self.seconds: list[float] = []
        self.sizes: set[int] = set()
        self.error = ""

    async def connect(self) -> None:
        """Open every connection."""
        loop, make = asyncio.get_running_loop(), KINDS[self.plan["kind"]]
        numbers = range(self.plan["connections"])
        pairs = [await loop.create_connection(Connection, "127.0.0.1", self.plan["port"]) for _ in numbers]
        token = self.plan["token"]
        self.lanes = [(number, pairs[number][1], signed(make(self.plan, number), token)) for number in numbers]

    async def keep_busy(self, number: int, connection: Connection, requests: Iterator[bytes], until: float) -> None:
        """Send on one connection until the clock says so or anything fails."""
        while not self.error and time.perf_counter() < until and self.left > 0:
            self.left -= 1
            begin = time.perf_counter()
            try:
                status, size = await connection.send(next(requests))
            except (ConnectionError, httptools.HttpParserError) as error:
                self.error = str(error)
                return
            if status != 200:
                self.error = f"{status}: {connection.begin.decode(errors='replace')}"
                return
            self.seconds.append(time.perf_counter() - begin)
            self.done[number] += 1
            self.sizes.add(size)

    async def run(self, seconds: float) -> float:
        """Keep all connections busy; return the wall time until the last answer."""
        begin = time.perf_counter()
        await asyncio.gather(*(self.keep_busy(*lane, begin + seconds) for lane in self.lanes))
        return time.perf_counter() - begin


async def main() -> None:
    """Run the plan of standard input's first line."""
    load = Load(json.loads(sys.stdin.readline()))
    await load.connect()
    await load.run(load.plan["warm"])
    load.seconds.clear()
    print("ready", flush=True)
    sys.stdin.readline()
    wall = await load.run(load.plan["seconds"])
    times = sorted(load.seconds) or [0.0]
    result = {
        "done": load.done,
        "measured": len(load.seconds),
        "wall": wall,
        "p50": times[len(times) // 2],
        "p99": times[len(times) * 99 // 100],
        "sizes": sorted(load.sizes)[:5],
        "error": load.error,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
