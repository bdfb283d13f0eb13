"""Counting what is here, to be compared with what the source holds."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import NotFound
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.service import imports
from mainspring.transfer.tally import Tally


def tally_runs(tx: Connection, run_ids: Sequence[str]) -> dict[str, Tally]:
    """Count those of these runs that are here, each with its points."""
    tallies = {}
    for run in imports.read_runs(tx, LOCAL, run_ids):
        tallies[run.run_id] = tally = Tally()
        tally.add_run(run)
        for point in imports.read_points(tx, LOCAL, run):
            tally.add_point(point)
    return tallies


def tally_logged_models(tx: Connection, model_ids: Sequence[str]) -> dict[str, Tally]:
    """Count those of these logged models that are here."""
    tallies = {}
    for model in imports.read_logged_models(tx, LOCAL, model_ids):
        tallies[model.model_id] = tally = Tally()
        tally.add_logged_model(model)
    return tallies


def tally_registered_model(tx: Connection, wanted: RegisteredModelRecord, versions: Sequence[int]) -> Tally:
    """Count a registered model with those of its tags, aliases and versions that the source has too."""
    tally = Tally()
    found = registry.get_registered_model(tx, LOCAL, wanted.name)
    tags = {key: value for key, value in found.tags.items() if key in wanted.tags}
    aliases = {alias: version for alias, version in found.aliases.items() if alias in wanted.aliases}
    tally.add_registered_model(replace(found, tags=tags, aliases=aliases))
    for version in versions:
        try:
            tally.add_version(registry.get_model_version(tx, LOCAL, wanted.name, version))
        except NotFound:
            continue
    return tally
