"""HTTP/1.1 by hand on asyncio: many connections at once, and requests that no proper client would send."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tests.components.server import MainspringServer

API = "/api/2.0/mlflow"


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Connection:
    """One kept-open connection. ConnectionError or asyncio.IncompleteReadError: the server is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server: MainspringServer) -> Connection:
        """Connect to a server."""
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    async def send(self, method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> None:
        """Send a whole request."""
        self.writer.write(self.head(method, path, len(body), content_type) + body)
        await self.writer.drain()

    @staticmethod
    def head(method: str, path: str, length: int, content_type: str = "application/json") -> bytes:
        """Return a request's head."""
        lines = (
            f"{method} {path} HTTP/1.1",
            "host: localhost",
            f"content-type: {content_type}",
            f"content-length: {length}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def answer(self) -> Answer:
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): text.strip() for name, _, text in fields}
        length = int(headers.get("content-length", "0"))
        return Answer(int(head[0].split()[1]), headers, await self.reader.readexactly(length))

    async def call(self, path: str, content: Any, method: str = "POST") -> Answer:
        """Send JSON to an endpoint of MLflow's API and return the answer."""
        await self.send(method, f"{API}/{path}", json.dumps(content).encode())
        return await self.answer()

    async def put(self, path: str, body: bytes) -> Answer:
        """Store an artifact."""
        await self.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", body, "application/octet-stream")
        return await self.answer()

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


async def start_run(connection: Connection, name: str) -> tuple[str, str]:
    """Create an experiment with one run, and return (experiment id, run id)."""
    experiment = (await connection.call("experiments/create", {"name": name})).json["experiment_id"]
    run = (await connection.call("runs/create", {"experiment_id": experiment})).json
    return experiment, run["run"]["info"]["run_id"]


async def steps_of(connection: Connection, run: str, key: str) -> list[int]:
    """Return the steps of a metric's history, sorted."""
    answer = await connection.call("metrics/get-history", {"run_id": run, "metric_key": key}, "GET")
    return sorted(point["step"] for point in answer.json.get("metrics", []))


async def data_of(connection: Connection, run: str) -> dict[str, dict[str, str]]:
    """Return a run's params and tags as dictionaries."""
    data = (await connection.call("runs/get", {"run_id": run}, "GET")).json["run"]["data"]
    return {kind: {each["key"]: each["value"] for each in data.get(kind, [])} for kind in ("params", "tags")}
