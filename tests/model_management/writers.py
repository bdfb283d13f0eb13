"""What other processes do to a registry. Imports little: each of them starts anew."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from model_management import ModelRegistry, Payload, create_registry
from model_management.storage import LocalStorage

SAVES = 12


@dataclass
class Thresholds:
    """A model that is no estimator: only pickle keeps it."""

    limits: list[float]
    ballast: bytes = b""


def save_many(url: str, storage: Path, writer: int, models: list[str]) -> None:
    registry = create_registry(url, storage=storage)
    for turn in range(SAVES):
        registry.save_model(Thresholds([float(writer), float(turn)]), models[turn % len(models)])


def save_until_killed(url: str, storage: Path) -> None:
    registry = create_registry(url, storage=storage)
    for turn in range(10_000):
        registry.save_model(Thresholds([float(turn)], os.urandom(300_000)), "wine")


class _DyingStorage(LocalStorage):
    """Loses its process after the bytes are stored and before anybody hears of them."""

    def put(self, payload: Payload) -> str:
        super().put(payload)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


def die_after_the_bytes(url: str, storage: Path) -> None:
    registry = create_registry(url, storage=storage)
    ModelRegistry(registry.metadata_backend, _DyingStorage(storage)).save_model(Thresholds([1.0]), "wine")
