"""SQL of the stages that somebody asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from mainspring.modules.registry.schemas import RequestState, Stage, StageRequest
from mainspring.modules.registry.tables import model_versions, registered_models, stage_requests

Condition = ColumnElement[bool]

_FOUND = (
    select(
        stage_requests,
        registered_models.c.name,
        model_versions.c.version.label("number"),
        model_versions.c.stage.label("current_stage"),
    )
    .join_from(stage_requests, model_versions)
    .join(registered_models)
)


def insert_request(tx: Connection, version_key: int, **values: Any) -> int:
    """Insert an open request for a version, and return its key."""
    values |= {"version": version_key, "state": RequestState.OPEN.value}
    return int(tx.execute(insert(stage_requests).values(values).returning(stage_requests.c.id)).scalar_one())


def find_request(tx: Connection, project: int, key: int) -> StageRequest | None:
    """Return a request of a project's models, or None."""
    row = tx.execute(_FOUND.where(stage_requests.c.id == key, registered_models.c.project == project)).one_or_none()
    return None if row is None else _request(row)


def has_open_request(tx: Connection, version_key: int, stage: Stage) -> bool:
    """Say whether somebody asks for a stage of a version already."""
    table = stage_requests.c
    same = (table.version == version_key, table.stage == stage.value, table.state == RequestState.OPEN.value)
    return tx.execute(select(table.id).where(*same).limit(1)).first() is not None


def search_requests(
    tx: Connection,
    project: int,
    state: RequestState | None,
    name: str | None,
    version: int | None,
    before: int | None,
    limit: int,
) -> list[StageRequest]:
    """Return requests of a project's models below a key, the newest first; None of these asks for all."""
    wanted: list[Condition] = [registered_models.c.project == project]
    if state is not None:
        wanted.append(stage_requests.c.state == state.value)
    if name is not None:
        wanted.append(registered_models.c.name == name)
    if version is not None:
        wanted.append(model_versions.c.version == version)
    if before is not None:
        wanted.append(stage_requests.c.id < before)
    found = _FOUND.where(*wanted).order_by(stage_requests.c.id.desc()).limit(limit)
    return [_request(row) for row in tx.execute(found)]


def close_request(tx: Connection, key: int, state: RequestState, **values: Any) -> bool:
    """Decide an open request, and say whether it was still open."""
    table = stage_requests
    still = update(table).where(table.c.id == key, table.c.state == RequestState.OPEN.value)
    return tx.execute(still.values(state=state.value, **values)).rowcount > 0


def _request(row: Row[Any]) -> StageRequest:
    return StageRequest(
        id=row.id,
        name=row.name,
        version=row.number,
        current_stage=Stage(row.current_stage),
        stage=Stage(row.stage),
        archive_existing=bool(row.archive_existing),
        state=RequestState(row.state),
        user_id=row.user_id,
        comment=row.comment,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decision=row.decision,
        decided_at=row.decided_at,
    )
