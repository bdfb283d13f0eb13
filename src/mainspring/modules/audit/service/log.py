"""Reading the log: searches, exports, and whether anybody has tampered with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, PermissionDenied
from mainspring.kit.names import check_text
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.modules.audit.schemas import AuditEvent, AuditFormat, AuditScope, AuditSearch, Verification
from mainspring.modules.audit.service.chain import digest_of
from mainspring.modules.audit.service.patterns import check_pattern
from mainspring.modules.audit.store import events as store
from mainspring.modules.audit.store.events import Act
from mainspring.modules.projects import service as projects

MAX_EVENTS = 1000
EXPORT_PAGE = 1000
VERIFY_PAGE = 2000
VERIFY_PART = 20_000
_FORMULA = ("=", "+", "-", "@")


def search_events(
    tx: Connection, actor: Actor, wanted: AuditSearch, max_results: int = 100, page_token: str | None = None
) -> Page[AuditEvent]:
    """Return a page of acts, the newest first. Raises InvalidArgument or PermissionDenied."""
    project = _check(actor, wanted)
    if not 1 <= max_results <= MAX_EVENTS:
        raise InvalidArgument(f"max_results is {max_results}; it must be from 1 to {MAX_EVENTS}.", field="max_results")
    mark = query_mark(wanted, project)
    before = position_of(page_token, mark, (int,))[0] if page_token else None
    rows = store.search(tx, store.conditions_of(wanted, project, before), max_results + 1)
    found = _shown(tx, rows[:max_results])
    return Page(found, token_of(mark, [found[-1].seq]) if len(rows) > max_results else None)


def _check(actor: Actor, wanted: AuditSearch) -> int | None:
    """Return the project whose acts may be seen, None for all."""
    actor.require(Permission.AUDIT_READ)
    for field in ("actor", "object_id", "text"):
        check_text(getattr(wanted, field) or "", field)
    if wanted.action is not None:
        check_pattern(wanted.action, "action")
    _check_number("since", wanted.since or 0, "milliseconds since the epoch")
    _check_number("until", wanted.until or 0, "milliseconds since the epoch")
    if wanted.scope is AuditScope.PROJECT:
        return actor.project
    check_admin(actor)
    return None


def _check_number(field: str, value: int, right: str) -> None:
    if not 0 <= value < 2**63:
        raise InvalidArgument(f"{field} is {value}; it must be {right}.", field=field)


def check_admin(actor: Actor) -> None:
    """Raise PermissionDenied unless the actor may see the acts of all projects."""
    actor.require(Permission.INSTANCE_MANAGE)
    if not actor.is_admin:
        raise PermissionDenied(f"{actor.name} is no admin: the acts of all projects are for admins alone.")


def _shown(tx: Connection, rows: Sequence[tuple[Act, bytes]]) -> list[AuditEvent]:
    paths = projects.paths_of(tx, {act.project for act, _ in rows if act.project is not None})
    return [_event(act, digest, paths) for act, digest in rows]


def _event(act: Act, digest: bytes, paths: Mapping[int, str]) -> AuditEvent:
    before, after = (None if side is None else msgspec.json.decode(side) for side in (act.before, act.after))
    return AuditEvent(
        act.seq,
        act.at,
        act.actor,
        act.actor_kind,
        act.actor_key,
        act.credential,
        None if act.project is None else paths.get(act.project, f"#{act.project}"),
        act.action,
        act.object_id,
        before,
        after,
        act.allowed,
        act.request_id,
        act.address,
        digest.hex(),
    )


def read_forward(tx: Connection, actor: Actor, wanted: AuditSearch, after: int, limit: int) -> list[AuditEvent]:
    """Return the next acts past one, oldest first: what an export reads."""
    conditions = store.conditions_of(wanted, _check(actor, wanted))
    return _shown(tx, store.read_after(tx, after, limit, conditions))


async def export(db: Database, actor: Actor, wanted: AuditSearch, format: AuditFormat) -> AsyncIterator[bytes]:
    """Return the pieces of a file of acts, oldest first; each page is read when the one before was taken.

    Raises as ``search_events`` does, before the first piece.
    """
    first = await db.read(read_forward, actor, wanted, 0, EXPORT_PAGE)
    written = _csv if format is AuditFormat.CSV else _ndjson

    async def pieces() -> AsyncIterator[bytes]:
        page = first
        if format is AuditFormat.CSV:
            yield _lines([AuditEvent.__struct_fields__])
        while page:
            yield written(page)
            page = await db.read(read_forward, actor, wanted, page[-1].seq, EXPORT_PAGE)

    return pieces()


def _ndjson(page: Sequence[AuditEvent]) -> bytes:
    # In ASCII: there are characters past it that some readers take for the end of a line.
    return b"".join(json.dumps(msgspec.to_builtins(event)).encode() + b"\n" for event in page)


def _csv(page: Sequence[AuditEvent]) -> bytes:
    return _lines([_cell(value) for value in msgspec.structs.astuple(event)] for event in page)


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Return a value for a cell; a spreadsheet would carry out what begins like a formula."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def verify(tx: Connection, actor: Actor, after: int = 0, limit: int = VERIFY_PART) -> Verification:
    """Check the acts past one, up to ``limit`` of them, and at the end that none is missing there.

    Memory stays flat, whatever the limit. The first act that was changed, is missing or stands at another's
    place is the problem.
    """
    actor.require(Permission.AUDIT_READ)
    _check_number("after", after, "the next_after of the part before, or 0")
    ends = store.get_chain(tx)
    at, digest = _start(tx, ends, after)
    if digest is None:
        return Verification(0, at, "", f"Act {at} is missing.")
    checked = 0
    while checked < limit:
        page = store.read_after(tx, at, min(VERIFY_PAGE, limit - checked))
        for act, stored in page:
            if problem := _problem(act, stored, at, digest):
                return Verification(checked, at + 1, digest.hex(), problem)
            at, digest, checked = act.seq, stored, checked + 1
        if not page:
            break
    if store.read_after(tx, at, 1):
        return Verification(checked, at, digest.hex(), None, at)
    return Verification(checked, at, digest.hex(), _problem_at_end(ends, at, digest))


def _start(tx: Connection, ends: store.Chain, after: int) -> tuple[int, bytes | None]:
    """Return the act to start from and its hash: the anchor, unless a later one is asked for."""
    if after <= ends.cut_seq:
        return ends.cut_seq, ends.cut_hash
    return after, store.find_hash(tx, after)


def _problem(act: Act, stored: bytes, at: int, digest: bytes) -> str | None:
    """Say what is wrong with an act that stands behind the act ``at``, or None."""
    if act.seq != at + 1:
        missing = f"Act {at + 1} is" if act.seq == at + 2 else f"Acts {at + 1} to {act.seq - 1} are"
        return f"{missing} missing."
    if digest_of(act) != stored:
        return f"Act {act.seq} was changed: it does not have its hash."
    if act.previous != digest:
        return f"Act {act.seq} does not follow the act before it: one of the two was put in another's place."
    return None


def _problem_at_end(ends: store.Chain, at: int, digest: bytes) -> str | None:
    if at < ends.seq:
        return f"Acts {at + 1} to {ends.seq} are missing: the end of the log was cut off."
    if at > ends.seq:
        return f"Acts {ends.seq + 1} to {at} are not of the log: they were added behind its end."
    if digest != ends.hash:
        return f"Act {at} is not the one that was written last: it was put in its place."
    return None
