"""Wire contracts of quotas."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Resource(StrEnum):
    """What is counted. What was deleted counts until it is deleted for good."""

    EXPERIMENTS = "experiments"
    RUNS = "runs"
    MODELS = "registered_models"
    BYTES = "artifact_bytes"
    DOCUMENTS = "configuration_documents"
    SECRETS = "secrets"


class Source(StrEnum):
    """Where a limit comes from: the project's own, or the one of all projects that have none of their own."""

    PROJECT = "project"
    INSTANCE = "instance"


class Quota(Struct, frozen=True):
    """How much of a resource a project has, and how much it may have: null for any number."""

    resource: Resource
    used: int
    limit: int | None
    source: Source = Source.INSTANCE


class Quotas(Struct):
    """The quotas of a project."""

    items: list[Quota]


class QuotaChange(Struct):
    """New limits by resource: a number, `unlimited`, or `default` for what all projects have.

    What is left out stays as it is. `scope` is `project` for the project of the request, `instance` for all
    projects that have no limit of their own.
    """

    limits: dict[Resource, int | Literal["unlimited", "default"]]
    scope: Source = Source.PROJECT
