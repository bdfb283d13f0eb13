"""The door to quotas. Modules say how what they own is counted, and ask before they make more of it.

Counting is dear, so it is done seldom: a process that has counted takes an eighth of what is left without looking
again, within ``LEASE_S`` seconds. One process so never goes past a limit; with several, each may by the eighth
that it took. Where there is no limit, nothing is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from mainspring.db.engine import Database
from mainspring.kit import events
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.kit.events import Event
from mainspring.kit.permissions import Permission
from mainspring.modules.quotas import store
from mainspring.modules.quotas.schemas import Quota, QuotaChange, Quotas, Resource, Source
from mainspring.modules.quotas.tables import ALL_PROJECTS

LEASE_S = 5.0
COUNTING = 0.01
"""The part of the time that may go into counting: what takes longer is done less often."""
SHARE = 8
MAX_LIMIT = 2**62

Count = Callable[[Connection, int], int]
_COUNTS: dict[Resource, list[Count]] = {}


@dataclass(slots=True)
class _Lease:
    """What a process may take until a time, on the monotonic clock: ``left`` of ``limit``, None where there is none.

    ``is_all`` says that there is no more of it to be had by looking again.
    """

    limit: int | None
    left: int
    is_all: bool
    until: float

    def lacks(self, amount: int) -> bool:
        return self.limit is not None and self.left < amount


_LEASES: WeakKeyDictionary[Engine, dict[tuple[int, Resource], _Lease]] = WeakKeyDictionary()


def counted(resource: Resource) -> Callable[[Count], Count]:
    """Declare ``f(tx, project)``, which counts how much of a resource a project has; what several count is summed."""

    def declare(count: Count) -> Count:
        _COUNTS.setdefault(resource, []).append(count)
        return count

    return declare


def take(tx: Connection, project: int, resource: Resource, amount: int = 1, waiting: int = 0) -> None:
    """Take some of what a project may have, before it is made. Raises TooLarge where that is too much.

    ``waiting`` is how much was made that counting does not see yet.
    """
    lease = _leases(tx.engine).get((project, resource))
    if lease is None or lease.until <= time.monotonic() or (lease.lacks(amount) and not lease.is_all):
        lease = _look(tx, project, resource, amount, waiting)
    if lease.limit is None:
        return
    if lease.left < amount:
        raise _exceeded(resource, lease.limit)
    lease.left -= amount


async def room(db: Database, project: int) -> int | None:
    """Return how many bytes of files a project may still store, None for any number. Raises TooLarge for none."""
    lease = _leases(db.read_engine).get((project, Resource.BYTES))
    if lease is None or lease.until <= time.monotonic():
        lease = await db.read(_look, project, Resource.BYTES)
    if lease.limit is None:
        return None
    if lease.left <= 0:
        raise _exceeded(Resource.BYTES, lease.limit)
    return lease.left


def stored(db: Database, project: int, size: int) -> None:
    """Note that a project has stored a file of so many bytes."""
    lease = _leases(db.read_engine).get((project, Resource.BYTES))
    if lease is not None:
        lease.left -= size


def _leases(engine: Engine) -> dict[tuple[int, Resource], _Lease]:
    return _LEASES.setdefault(engine, {})


def _look(tx: Connection, project: int, resource: Resource, amount: int = 0, waiting: int = 0) -> _Lease:
    """Look the limit up, count where there is one, and take a share."""
    limit, _ = store.find_limits(tx, project).get(resource, (None, False))
    began = time.monotonic()
    left = share = 0 if limit is None else max(0, limit - _count(tx, project, resource) - waiting)
    if amount:  # how large the files are that are on their way nobody knows: all that is left is theirs
        share = min(left, max(amount, left // SHARE))
    now = time.monotonic()
    lease = _Lease(limit, share, share == left, now + max(LEASE_S, (now - began) / COUNTING))
    _leases(tx.engine)[project, resource] = lease
    return lease


def _count(tx: Connection, project: int, resource: Resource) -> int:
    return sum(count(tx, project) for count in _COUNTS[resource])


def _exceeded(resource: Resource, limit: int) -> TooLarge:
    return TooLarge(
        f"The project's quota of {resource} is used up: it may have {limit}. Delete some for good, or have an "
        "administrator raise it.",
        field="quota",
    )


def get_quotas(tx: Connection, actor: Actor) -> Quotas:
    """Return how much the actor's project has, and may have. PermissionDenied for who may not read it."""
    actor.require(Permission.PROJECT_READ)
    limits = store.find_limits(tx, actor.project)
    return Quotas([_quota(tx, actor.project, resource, limits) for resource in Resource if resource in _COUNTS])


def _quota(tx: Connection, project: int, resource: Resource, limits: store.Limits) -> Quota:
    limit, own = limits.get(resource, (None, False))
    source = Source.PROJECT if own else Source.INSTANCE
    return Quota(resource, _count(tx, project, resource), limit, source)


def change_quotas(tx: Connection, actor: Actor, change: QuotaChange) -> Quotas:
    """Set limits of the actor's project, or of all projects without their own. Raises InvalidArgument."""
    actor.require(Permission.INSTANCE_MANAGE)
    everywhere = change.scope is Source.INSTANCE
    project = ALL_PROJECTS if everywhere else actor.project
    for resource, limit in change.limits.items():
        if limit == "default":
            store.drop_limit(tx, project, resource)
            continue
        if resource not in _COUNTS:
            raise InvalidArgument(f"'{resource}' is not counted.", field="limits")
        if isinstance(limit, int) and not 0 <= limit <= MAX_LIMIT:
            raise InvalidArgument(f"The quota of {resource} is {limit}; it must be 0 to {MAX_LIMIT}.", field="limits")
        store.put_limit(tx, project, resource, None if limit == "unlimited" else int(limit))
    _leases(tx.engine).clear()
    after = {resource.value: limit for resource, limit in change.limits.items()}
    about = None if everywhere else actor.project
    events.publish(tx, Event("quota.update", change.scope.value, actor, about, after=after))
    return get_quotas(tx, actor)


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Forget the limits of a project that is deleted for good."""
    actor.require(Permission.STORAGE_MANAGE)
    store.drop_limits(tx, project)
