"""SIGKILL while the parts of an upload are joined: nothing half is visible, and the completion can be repeated."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.server import MainspringServer

PARTS, PART = 5, 16 * 1024 * 1024
CONTENT = random.Random(5).randbytes(PART)
WHOLE = b"".join(bytes([number]) + CONTENT[1:] for number in range(PARTS))
SHA256 = hashlib.sha256(WHOLE).hexdigest()
Moment = Callable[[Path], None]


def while_joining(store: Path) -> None:
    """Return once some of the file has been put together, out of sight."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for whole in store.glob(".mainspring-incoming/*/whole"):
            try:
                if whole.stat().st_size:
                    return
            except FileNotFoundError:
                return
    raise TimeoutError("nothing was joined")


def at_any_time(seconds: float) -> Moment:
    return lambda _store: time.sleep(seconds)


def part(number: int) -> bytes:
    return WHOLE[(number - 1) * PART : number * PART]


class Mlflow:
    """An upload as MLflow's client makes it."""

    def __init__(self, http: httpx.Client, run: Any) -> None:
        self.http, self.folder = http, f"{run['experiment_id']}/{run['run_id']}/artifacts"
        self.proxy = "/api/2.0/mlflow-artifacts"
        begun = self._post("create", num_parts=PARTS).json()
        self.done: dict[str, Any] = {"upload_id": begun["upload_id"], "parts": []}
        for each in begun["credentials"]:
            etag = http.put(each["url"], content=part(each["part_number"])).headers["ETag"]
            self.done["parts"].append({"part_number": each["part_number"], "etag": etag})

    def complete(self) -> httpx.Response:
        return self._post("complete", **self.done)

    def content(self) -> httpx.Response:
        return self.http.get(f"{self.proxy}/artifacts/{self.folder}/f")

    def _post(self, call: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{self.proxy}/mpu/{call}/{self.folder}", json={"path": "f", **body})


class Ours:
    """An upload as our client makes it."""

    def __init__(self, http: httpx.Client, run: Any) -> None:
        self.http, self.run = http, f"/api/v1/runs/{run['run_id']}"
        wanted = {"path": "f", "size": len(WHOLE), "sha256": SHA256}
        self.upload = f"{self.run}/uploads/{http.post(f'{self.run}/uploads', json=wanted).json()['upload_id']}"
        signed = http.post(f"{self.upload}/parts", json={"numbers": list(range(1, PARTS + 1))}).json()["items"]
        for number, each in enumerate(signed, start=1):
            http.put(each["url"], content=part(number)).raise_for_status()

    def complete(self) -> httpx.Response:
        return self.http.post(f"{self.upload}/complete")

    def content(self) -> httpx.Response:
        return self.http.get(f"{self.run}/artifacts/f")


@pytest.mark.parametrize("kind", [Mlflow, Ours])
def test_killed_while_joining(tmp_path: Path, kind: type[Mlflow | Ours]) -> None:
    kill_and_repeat(tmp_path, kind, [while_joining])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Mlflow, Ours])
def test_killed_at_many_moments(tmp_path: Path, kind: type[Mlflow | Ours]) -> None:
    after = random.Random(7)
    kill_and_repeat(tmp_path, kind, [while_joining, *(at_any_time(after.uniform(0, 0.3)) for _ in range(12))])


def kill_and_repeat(folder: Path, kind: type[Mlflow | Ours], moments: list[Moment]) -> None:
    store = folder / "data" / "artifacts"
    with MainspringServer(folder / "data") as server, httpx.Client(base_url=server.url, timeout=60) as http:
        for moment in moments:
            run = http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
            upload = kind(http, run)
            old = b"old" if moment is while_joining else None
            if old:
                http.put(f"/api/v1/runs/{run['run_id']}/artifacts/f", content=old).raise_for_status()
            kill_while_completing(server, upload, lambda moment=moment: moment(store))  # type: ignore[misc]
            server.start()
            seen = upload.content()
            assert (seen.content in (old, WHOLE)) if seen.status_code == 200 else old is None, seen.status_code
            for _ in range(2):
                again = upload.complete()
                assert again.status_code == 200, again.text
            assert upload.content().content == WHOLE
            # Of a removal that was cut off the rest goes later; no upload is left.
            assert list(store.glob(".mainspring-incoming/*-*")) == []


def kill_while_completing(server: MainspringServer, upload: Mlflow | Ours, moment: Callable[[], None]) -> None:
    """Kill the server at a moment of a completion that is under way."""

    def complete() -> None:
        try:
            upload.complete()
        except httpx.TransportError:
            return

    asking = threading.Thread(target=complete)
    asking.start()
    moment()
    server.kill()
    asking.join()
