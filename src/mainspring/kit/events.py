"""What was done: services publish it in the transaction of the act, and whoever keeps or forwards it subscribes.

Subscribers run in that same transaction: what they write is committed with the act or not at all. They
write to the database only; what goes out to the world is done later, by a background task. Several writes
of one transaction tell their acts at its end, by ``told_last``: subscribers may take a lock that all
processes wait for, and whoever takes it last holds it shortest and meets nobody half way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from mainspring.kit import context
from mainspring.kit.actors import Actor
from mainspring.kit.time import now_ms


@dataclass(frozen=True, slots=True)
class Event:
    """An act: who did what to which object, or tried to.

    ``action`` is ``<kind of object>.<verb>``, such as ``model_version.create``; ``object_id`` is how people
    name the object. ``project`` is a project's key, None for what belongs to the instance. ``before`` and
    ``after`` are what the act changed, as JSON can hold it, without secrets; None where there is no such side.
    """

    action: str
    object_id: str
    actor: Actor
    project: int | None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    allowed: bool = True
    at: int = field(default_factory=now_ms)
    request_id: str = field(default_factory=context.request_id.get)
    address: str = field(default_factory=context.client_address.get)


Subscriber = Callable[[Connection, Event], None]

_SUBSCRIBERS: list[Subscriber] = []
_WAITING = "mainspring.events"


def subscribe(subscriber: Subscriber) -> Subscriber:
    """Have ``subscriber(tx, event)`` called for every act; usable as a decorator."""
    if subscriber not in _SUBSCRIBERS:
        _SUBSCRIBERS.append(subscriber)
    return subscriber


def publish(tx: Connection, event: Event) -> None:
    """Tell the subscribers of an act, in the transaction that it is done in."""
    waiting: list[Event] | None = tx.info.get(_WAITING)
    if waiting is None:
        _tell(tx, event)
    else:
        waiting.append(event)


@contextmanager
def told_last(tx: Connection) -> Iterator[None]:
    """Tell the acts of a block at its end, and none of them where it fails.

    Inside of another such block they wait for the end of that one.
    """
    info = tx.info  # which a connection that breaks meanwhile does not give any more
    outer: list[Event] | None = info.get(_WAITING)
    mine: list[Event] = []
    info[_WAITING] = mine
    try:
        yield
    finally:
        info[_WAITING] = outer
    for event in mine:
        publish(tx, event)


def _tell(tx: Connection, event: Event) -> None:
    for subscriber in _SUBSCRIBERS:
        subscriber(tx, event)
