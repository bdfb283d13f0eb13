"""Stages that are asked for: who may write to the registry asks, and who manages the project decides.

Stages can be set without asking too: MLflow's clients know nothing of requests.
"""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.names import check_length, check_text
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.registry.schemas import (
    RequestState,
    StageDecision,
    StageRequest,
    StageRequestCreate,
)
from mainspring.modules.registry.service import acts, rules
from mainspring.modules.registry.service.versions import check_stage, transition
from mainspring.modules.registry.store import requests as store

MAX_COMMENT = 4000
MAX_REQUESTS = 1000


def create_stage_request(
    tx: Connection, actor: Actor, name: str, version: int, new: StageRequestCreate
) -> StageRequest:
    """Ask that a version enter a stage.

    Raises NotFound, InvalidArgument, FailedPrecondition where it is in that stage, and AlreadyExists where somebody
    has asked for it.
    """
    actor.require(Permission.REGISTRY_WRITE)
    stage = check_stage(new.stage, new.archive_existing)
    comment = _comment(new.comment)
    current = rules.find_version(tx, actor.project, name, version).stage
    key, version_key = rules.version_keys(tx, actor.project, name, version)
    if current is stage:
        raise FailedPrecondition(f"Version {version} of '{name}' is in the stage '{stage}' already.", field="stage")
    if store.has_open_request(tx, version_key, stage):
        raise AlreadyExists(f"Somebody has asked for the stage '{stage}' of this version already.", field="stage")
    made = store.insert_request(
        tx,
        version_key,
        stage=stage.value,
        archive_existing=new.archive_existing,
        user_id=actor.name,
        comment=comment,
        created_at=now_ms(),
    )
    after = {"request": made, "stage": stage, "archive_existing": new.archive_existing, "comment": comment}
    acts.note(tx, actor, "stage_request.create", key, name, version, after=after)
    return _find(tx, actor, made)


def search_stage_requests(
    tx: Connection,
    actor: Actor,
    state: RequestState | None = None,
    name: str | None = None,
    version: int | None = None,
    max_results: int = 100,
    page_token: str | None = None,
) -> Page[StageRequest]:
    """Return a page of requests, the newest first. Raises InvalidArgument."""
    actor.require(Permission.REGISTRY_READ)
    limit = rules.check_max_results(max_results, MAX_REQUESTS)
    if name is not None:
        rules.check_name(name)
    if version is not None and not rules.is_version_number(version):
        raise InvalidArgument(f"'version' is {version}; it must be the number of a version.", field="version")
    mark = query_mark("stage requests", state, name, version)
    before = position_of(page_token, mark, (int,))[0] if page_token else None
    found = store.search_requests(tx, actor.project, state, name, version, before, limit + 1)
    return Page(found[:limit], token_of(mark, (found[limit - 1].id,)) if len(found) > limit else None)


def decide_stage_request(tx: Connection, actor: Actor, key: int, decision: StageDecision) -> StageRequest:
    """Approve or reject a request; a version that may enters its stage at once.

    Raises NotFound, InvalidArgument, and FailedPrecondition where it is not open any more.
    """
    actor.require(Permission.PROJECT_MANAGE)
    asked = _find(tx, actor, key)
    state = RequestState.APPROVED if decision.approve else RequestState.REJECTED
    _close(tx, actor, asked, state, _comment(decision.comment))
    if decision.approve:
        transition(tx, actor, asked.name, asked.version, asked.stage, asked.archive_existing, now_ms())
    return _find(tx, actor, key)


def withdraw_stage_request(tx: Connection, actor: Actor, key: int) -> None:
    """Take a request back: one's own, or as who manages the project anyone's.

    Raises NotFound, PermissionDenied, and FailedPrecondition where it is not open any more.
    """
    actor.require(Permission.REGISTRY_WRITE)
    asked = _find(tx, actor, key)
    if asked.user_id != actor.name and not actor.may(Permission.PROJECT_MANAGE):
        raise PermissionDenied(f"Request {key} is {asked.user_id}'s, who alone may take it back.")
    _close(tx, actor, asked, RequestState.WITHDRAWN, None)


def _close(tx: Connection, actor: Actor, asked: StageRequest, state: RequestState, decision: str | None) -> None:
    model, _ = rules.version_keys(tx, actor.project, asked.name, asked.version)
    values = {"decided_by": actor.name, "decision": decision, "decided_at": now_ms()}
    if not store.close_request(tx, asked.id, state, **values):
        raise FailedPrecondition(f"Request {asked.id} is not open any more: it was {_find(tx, actor, asked.id).state}.")
    verb = {RequestState.APPROVED: "approve", RequestState.REJECTED: "reject"}.get(state, "withdraw")
    after = {"request": asked.id, "stage": asked.stage, "state": state, "user_id": asked.user_id, "comment": decision}
    before = {"state": RequestState.OPEN}
    acts.note(tx, actor, f"stage_request.{verb}", model, asked.name, asked.version, before=before, after=after)


def _find(tx: Connection, actor: Actor, key: int) -> StageRequest:
    found = store.find_request(tx, actor.project, key) if 0 < key < 2**63 else None
    if found is None:
        raise NotFound(f"There is no request {key} for a stage.", field="request_id")
    return found


def _comment(text: str) -> str:
    return check_length("comment", check_text(text, "comment"), MAX_COMMENT)
