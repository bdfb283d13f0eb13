"""Counts and a checksum of what was imported, made alike of what the source holds and of what is here."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from mainspring.modules.registry.schemas import ModelVersion, RegisteredModel
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord

MODULUS = 2**64


class Tally(Struct, eq=True):
    """How much there is, and the sum of the hashes of all of it: whatever the order, and all in one number.

    ``checksum`` is modulo 2**64. Ids of experiments and places of files are not in it: they may change.
    """

    runs: int = 0
    params: int = 0
    tags: int = 0
    points: int = 0
    datasets: int = 0
    logged_models: int = 0
    registered_models: int = 0
    versions: int = 0
    checksum: int = 0

    def __add__(self, other: Tally) -> Tally:
        total = Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))
        total.checksum %= MODULUS
        return total

    def add_run(self, run: RunRecord) -> None:
        """Count a run with its params, tags, inputs and outputs, without its points."""
        self.runs += 1
        self.params += len(run.params)
        self.tags += len(run.tags)
        self.datasets += len(run.datasets)
        self._add(
            "run", run.run_id, run.name, run.user_id, run.status, run.lifecycle_stage, run.started_at, run.ended_at
        )
        self._add_pairs("param", run.run_id, run.params)
        self._add_pairs("tag", run.run_id, run.tags)
        for given in run.datasets:
            self._add("dataset", run.run_id, given.dataset, sorted(given.tags.items()))
        for model_id in run.model_inputs:
            self._add("input", run.run_id, model_id)
        for made in run.model_outputs:
            self._add("output", run.run_id, made.model_id, made.step)

    def add_point(self, point: RunPoint) -> None:
        """Count a point."""
        self.points += 1
        self._add(*point)

    def add_logged_model(self, model: ModelRecord) -> None:
        """Count a logged model with its params, tags and metrics."""
        self.logged_models += 1
        described = (model.name, model.status, model.source_run_id, model.model_type, model.status_message)
        self._add("model", model.model_id, *described, model.lifecycle_stage, model.created_at, model.updated_at)
        self._add_pairs("model param", model.model_id, model.params)
        self._add_pairs("model tag", model.model_id, model.tags)
        for metric in model.metrics:
            self._add("model metric", model.model_id, metric)

    def add_registered_model(self, model: RegisteredModel) -> None:
        """Count a registered model with its tags and aliases."""
        self.registered_models += 1
        self._add("registered", model.name, model.description, model.created_at)
        self._add_pairs("registered tag", model.name, model.tags)
        for alias, version in model.aliases.items():
            self._add("alias", model.name, alias, version)

    def add_version(self, version: ModelVersion) -> None:
        """Count a version with its tags."""
        self.versions += 1
        described = (version.stage, version.description, version.user_id, version.run_id, version.run_link)
        self._add("version", version.name, version.version, *described, version.created_at, version.updated_at)
        self._add_pairs(f"version {version.version} tag", version.name, version.tags)

    def _add_pairs(self, kind: str, owner: str, pairs: dict[str, str]) -> None:
        for key, value in pairs.items():
            self._add(kind, owner, key, value)

    def _add(self, *fields: Any) -> None:
        digest = blake2b(msgspec.msgpack.encode(fields), digest_size=8).digest()
        self.checksum = (self.checksum + int.from_bytes(digest)) % MODULUS
