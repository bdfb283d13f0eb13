"""Deleting for good what was deleted: a run, logged model or experiment with its files and its rows.

Each goes by the same steps: it is marked, so that nobody restores it; its files are deleted; its rows are
deleted. Whoever is killed in between leaves something that is still deleted, and marked, and that the next
call finishes. What others refer to is kept as a whole.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError, NotFound, Unsupported
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.service import Erased
from mainspring.modules.services import Services
from mainspring.modules.tracking.schemas import (
    GarbageKind,
    GarbageNote,
    GarbageQuery,
    GarbageReport,
    LifecycleStage,
)
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import deletion as store
from mainspring.modules.tracking.store.deletion import Garbage, Scope

Holders = Callable[[Connection, Actor, Mapping[str, str]], Mapping[str, str]]
"""Says what refers to the files of things: their locations by id → what refers to them, by id."""

MAX_NAMED = 1000
BATCH = 100
ROWS = 5000
SECONDS = 2.0
FOLDERS_AT_ONCE = 8
KINDS = tuple(GarbageKind)
"""In this order: an experiment goes once it is empty."""


class Place(NamedTuple):
    """How far a collection has come: all things of this kind with keys up to ``after``, and all kinds before."""

    kind: GarbageKind
    after: int


class _Batch(NamedTuple):
    """Things that are to go, those that are kept and why, and the last key that was looked at, None at the end."""

    free: list[Garbage]
    kept: list[tuple[Garbage, str]]
    last: int | None


async def collect_garbage(services: Services, actor: Actor, query: GarbageQuery, holders: Holders) -> GarbageReport:
    """Delete for good, or in a dry run count, for about two seconds; the report says whether to ask again.

    Raises NotFound for an id that is not there, FailedPrecondition for a thing that is not deleted, or not for
    long enough, InvalidArgument.
    """
    actor.require(Permission.STORAGE_MANAGE)
    scope, place = _scope(query), _place(query.page_token)
    if not query.page_token:
        await services.db.read(_check_named, scope)
        if not query.dry_run:
            await services.db.write(_mark_experiments, scope)
    collector = _Collector(services, actor, scope, holders, query.dry_run)
    return await collector.run(place)


def give_up_project(tx: Connection, actor: Actor, project: int) -> None:
    """Mark all experiments of a project as deleted, so that they are collected whatever ``older_than_s`` is."""
    actor.require(Permission.STORAGE_MANAGE)
    store.give_up(tx, project)


def is_empty(tx: Connection, actor: Actor, project: int) -> bool:
    """Say whether nothing is left of a project's experiments."""
    actor.require(Permission.STORAGE_MANAGE)
    return not store.has_experiments(tx, project)


def _scope(query: GarbageQuery) -> Scope:
    if not (math.isfinite(query.older_than_s) and query.older_than_s >= 0):
        raise InvalidArgument(f"older_than_s is {query.older_than_s}; it must be 0 or more.", field="older_than_s")
    named = len(query.run_ids) + len(query.logged_model_ids) + len(query.experiment_ids)
    if named > MAX_NAMED:
        raise InvalidArgument(f"{named} ids are named; at most {MAX_NAMED} a request.", field="run_ids")
    experiments = [rules.experiment_key(each) for each in query.experiment_ids]
    before = now_ms() - math.ceil(min(query.older_than_s, 1e12) * 1000)
    return Scope(before, query.run_ids, query.logged_model_ids, experiments)


def _place(page_token: str | None) -> Place:
    kind, _, after = (page_token or f"{KINDS[0]}:-1").partition(":")
    if kind not in KINDS or not after.removeprefix("-").isdecimal() or len(after) > 18:
        raise InvalidArgument(
            f"Invalid page token '{str(page_token)[:100]}': pass the next_page_token of the step before, unchanged.",
            field="page_token",
        )
    return Place(GarbageKind(kind), int(after))


def _check_named(tx: Connection, scope: Scope) -> None:
    """Refuse ids of what is not there, is not deleted, or was deleted too lately."""
    named = (
        (GarbageKind.RUN, scope.run_ids),
        (GarbageKind.LOGGED_MODEL, scope.model_ids),
        (GarbageKind.EXPERIMENT, scope.experiments),
    )
    for kind, ids in named:
        states = store.find_states(tx, kind, ids)
        what, field = kind.replace("_", " ").capitalize(), f"{kind}_ids"
        for each in ids:
            if each not in states:
                raise NotFound(f"{what} '{each}' not found.", field=field)
            state = states[each]
            if state.stage is not LifecycleStage.DELETED:
                raise FailedPrecondition(
                    f"{what} '{each}' is active: only what was deleted can be deleted for good.", field=field
                )
            if not state.collected and state.deleted_at > scope.before:
                ago = (now_ms() - state.deleted_at) / 1000
                raise FailedPrecondition(f"{what} '{each}' was deleted only {ago:.0f} s ago.", field=field)


def _mark_experiments(tx: Connection, scope: Scope) -> None:
    store.mark_experiments(tx, scope, now_ms())


def _take(tx: Connection, actor: Actor, scope: Scope, holders: Holders, dry_run: bool, place: Place) -> _Batch:
    """Return the next batch of things; those that are not kept are marked."""
    items = store.find_garbage(tx, scope, place.kind, place.after, BATCH)
    last = items[-1].key if items else None
    kept = _kept(tx, actor, items, holders)
    if place.kind is GarbageKind.EXPERIMENT:
        kept |= _kept_experiments(tx, actor, items, scope, holders, dry_run)
    free = [item for item in items if item.id not in kept]
    if not dry_run:
        going = store.mark(tx, scope, free, now_ms())
        free = [item for item in free if item.key in going]
    return _Batch(free, [(item, kept[item.id]) for item in items if item.id in kept], last)


def _kept(tx: Connection, actor: Actor, items: Sequence[Garbage], holders: Holders) -> dict[str, str]:
    """Return by id why things must stay: because of what refers to their files, or lies among them."""
    kept = dict(holders(tx, actor, {item.id: _files(item) for item in items}))
    others = [(key, folder) for key, location in _chosen_locations(tx) if (folder := _folder(location))]
    for item in items:
        folder = _folder(_files(item))
        if folder is None:
            continue
        if item.id not in folder.split("/"):
            kept[item.id] = f"its folder {folder} may not be its own alone: the folder's path does not name it"
        within = (key for key, other in others if f"{other}/".startswith(f"{folder}/"))
        if (key := next(within, None)) is not None:
            kept[item.id] = f"the artifacts of experiment {key} lie in its folder"
    return kept


def _chosen_locations(tx: Connection) -> list[tuple[int, str]]:
    """Return (key, location) of the experiments that do not have the folder of their id."""
    found = store.find_locations(tx)
    return [(key, place) for key, project, place in found if place != artifacts.own_location(project, str(key))]


def _kept_experiments(
    tx: Connection, actor: Actor, items: Sequence[Garbage], scope: Scope, holders: Holders, dry_run: bool
) -> dict[str, str]:
    """Return why experiments must stay; those that are not empty can be restored again."""
    kept: dict[str, str] = {}
    for item in items:
        runs, models = store.count_within(tx, item.key)
        if dry_run:
            runs -= _count_free(tx, actor, item, scope, holders, GarbageKind.RUN)
            models -= _count_free(tx, actor, item, scope, holders, GarbageKind.LOGGED_MODEL)
        if store.is_default(tx, item.key):
            kept[item.id] = "it is the default one, which clients log to when they name none"
        elif runs or models:
            kept[item.id] = f"{runs} of its runs and {models} of its logged models stay"
            if not dry_run:
                store.unmark_experiment(tx, item.key)
    return kept


def _count_free(
    tx: Connection, actor: Actor, experiment: Garbage, scope: Scope, holders: Holders, kind: GarbageKind
) -> int:
    """Return how many runs or logged models of an experiment would go."""
    of_it, after, count = Scope(scope.before, experiments=[experiment.key]), -1, 0
    while items := store.find_garbage(tx, of_it, kind, after, BATCH):
        count += len(items) - len(_kept(tx, actor, items, holders))
        after = items[-1].key
    return count


def _files(item: Garbage) -> str:
    """Return where the files are that go with a thing: an experiment's only where it has the folder of its id."""
    own = item.kind is not GarbageKind.EXPERIMENT or item.location == artifacts.own_location(item.project, item.id)
    return item.location if own else ""


def _folder(location: str) -> str | None:
    """Return the store's folder of a location, None for what lies elsewhere."""
    try:
        return artifacts.resolve(location) if location else None
    except (Unsupported, InvalidArgument):
        return None


def _delete_rows(tx: Connection, kind: GarbageKind, keys: Sequence[int]) -> bool:
    """Delete some rows of things; once there are none any more, delete the things and say so.

    Only a look that finds none says that: in the one before it the compaction, in another process, may have
    put a block in place of others that this one has waited for.
    """
    if store.delete_references(tx, kind, keys, ROWS):
        return False
    store.delete_things(tx, kind, keys)
    return True


class _Collector:
    """One step of a collection: batches of things, until the time is up."""

    def __init__(self, services: Services, actor: Actor, scope: Scope, holders: Holders, dry_run: bool) -> None:
        self._services = services
        self._actor = actor
        self._scope = scope
        self._holders = holders
        self._dry_run = dry_run
        self._until = time.monotonic() + SECONDS
        self._report = GarbageReport()
        self._few = asyncio.Semaphore(FOLDERS_AT_ONCE)

    async def run(self, place: Place) -> GarbageReport:
        """Go on from a place for as long as there is time, and report."""
        at: Place | None = place
        while at is not None and time.monotonic() < self._until:
            at = await self._collect(at)
        self._report.next_page_token = None if at is None else f"{at.kind}:{at.after}"
        return self._report

    async def _collect(self, place: Place) -> Place | None:
        """Take a batch and return where to go on."""
        run = self._services.db.read if self._dry_run else self._services.db.write
        batch = await run(_take, self._actor, self._scope, self._holders, self._dry_run, place)
        if batch.last is None:
            following = KINDS[KINDS.index(place.kind) + 1 :]
            return Place(following[0], -1) if following else None
        erased = await asyncio.gather(*(self._erase(item) for item in batch.free))
        done = [item for item, files in zip(batch.free, erased, strict=True) if files.complete]
        if not self._dry_run and not await self._forget(place.kind, [item.key for item in done]):
            done = []
        waiting = {item.key for item in batch.free} - {item.key for item in done}
        after = min(waiting) - 1 if waiting else batch.last
        self._add(place.kind, erased, done)
        self._report.kept += [GarbageNote(each.kind, each.id, why) for each, why in batch.kept if each.key <= after]
        return Place(place.kind, after)

    async def _erase(self, item: Garbage) -> Erased:
        location = _files(item)
        # What lies in an experiment's folder is counted with its runs and models; the stray rest only when it goes.
        counted = self._dry_run and item.kind is GarbageKind.EXPERIMENT
        if counted or _folder(location) is None:
            return Erased()
        async with self._few:
            if self._dry_run:
                return await artifacts.count_artifacts(self._services, self._actor, location)
            return await artifacts.erase_artifacts(self._services, self._actor, location, self._until)

    async def _forget(self, kind: GarbageKind, keys: Sequence[int]) -> bool:
        """Delete the rows of things whose files are gone; False where the time did not suffice."""
        while keys and not await self._services.db.write(_delete_rows, kind, keys):
            if time.monotonic() >= self._until:
                return False
        return True

    def _add(self, kind: GarbageKind, erased: Sequence[Erased], done: Sequence[Garbage]) -> None:
        report = self._report
        report.files += sum(each.files for each in erased)
        report.bytes += sum(each.bytes for each in erased)
        report.runs += len(done) if kind is GarbageKind.RUN else 0
        report.logged_models += len(done) if kind is GarbageKind.LOGGED_MODEL else 0
        report.experiments += len(done) if kind is GarbageKind.EXPERIMENT else 0
        outside = [(item, _why_left(_files(item))) for item in done]
        report.left += [GarbageNote(item.kind, item.id, why) for item, why in outside if why]


def _why_left(location: str) -> str | None:
    """Return why files are not ours to delete, None where they are, or where there are none."""
    try:
        artifacts.resolve(location or artifacts.ROOT)
    except MainspringError as error:
        return error.message
    return None
