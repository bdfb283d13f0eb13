"""A server that is killed while it tells webhooks: each acknowledged act is told, under one id."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

import mainspring as ms
from mainspring.kit.errors import MainspringError
from tests.components.ports import wait_until
from tests.components.receiver import receiving
from tests.components.server import MainspringServer

SECONDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_acknowledged_acts_are_told(tmp_path: Path, request: pytest.FixtureRequest, database: str) -> None:
    url = str(request.getfixturevalue("postgres_database")) if database == "postgresql" else None
    made: list[str] = []

    def make_models(address: str) -> None:
        with ms.connect(address, retries=0) as client:
            for number in range(10_000):
                try:
                    made.append(client.models.create(f"m{number}").name)
                except MainspringError:
                    return

    with (
        receiving() as receiver,
        MainspringServer(tmp_path / "data", "--webhook-private-addresses", database_url=url) as server,
    ):
        # The first is under way when the server dies.
        receiver.hang_first = 1
        with ms.connect(server.url) as client:
            client.webhooks.create("w", f"{receiver.url}/ok", ["registered_model.create"], secret="s")
        writer = threading.Thread(target=make_models, args=(server.url,))
        writer.start()
        receiver.wait_for(3)
        time.sleep(0.5)
        server.kill()
        writer.join()
        server.start()

        def told() -> set[str]:
            return {json.loads(got.body)["object_id"] for got in receiver.received}

        first = json.loads(receiver.received[0].body)["object_id"]
        wait_until(lambda: told() >= set(made), "all models", SECONDS)
        wait_until(
            lambda: sum(json.loads(got.body)["object_id"] == first for got in receiver.received) > 1,
            "the first",
            SECONDS,
        )
        ids = defaultdict(set)
        for got in receiver.received:
            ids[json.loads(got.body)["object_id"]].add(got.headers["webhook-id"])
        assert {len(each) for each in ids.values()} == {1}
        with ms.connect(server.url) as client:
            assert client.audit.verify().problem is None
