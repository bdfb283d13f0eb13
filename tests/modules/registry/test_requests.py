"""Stages that are asked for: who asks, who decides, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
)
from mainspring.kit.events import _SUBSCRIBERS, Event, subscribe
from mainspring.kit.permissions import ROLE_PERMISSIONS, Role
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    ModelVersionCreate,
    RegisteredModelCreate,
    RequestState,
    Stage,
    StageDecision,
    StageRequest,
    StageRequestCreate,
)
from mainspring.modules.tracking.schemas import Run

GUEST, DEVELOPER, MAINTAINER = (
    Actor(role.name.lower(), ROLE_PERMISSIONS[role]) for role in (Role.GUEST, Role.DEVELOPER, Role.MAINTAINER)
)
OTHER = replace(DEVELOPER, name="other")
APPROVED, REJECTED = StageDecision(True, "good"), StageDecision(False, "not yet")


@pytest.fixture(autouse=True)
def model(tx: Connection, run: Run) -> None:
    """The registered model ``m`` with two versions."""
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("m"))
    for _ in range(2):
        new = ModelVersionCreate(f"runs:/{run.run_id}/m", run_id=run.run_id)
        service.create_model_version(tx, LOCAL, "m", new)


@pytest.fixture
def told() -> Iterator[list[Event]]:
    """What was published."""
    found: list[Event] = []

    @subscribe
    def keep(tx: Connection, event: Event) -> None:
        found.append(event)

    yield found
    _SUBSCRIBERS.remove(keep)


def ask(tx: Connection, version: int = 1, stage: str = "production", actor: Actor = DEVELOPER, **more: bool) -> int:
    new = StageRequestCreate(stage, "why", **more)
    return service.create_stage_request(tx, actor, "m", version, new).id


def found(tx: Connection, **wanted: object) -> list[StageRequest]:
    return service.search_stage_requests(tx, GUEST, **wanted).items  # type: ignore[arg-type]


def stage_of(tx: Connection, version: int) -> Stage:
    return service.get_model_version(tx, LOCAL, "m", version).stage


def test_an_approved_version_enters_its_stage(tx: Connection, told: list[Event]) -> None:
    service.decide_stage_request(tx, MAINTAINER, ask(tx, 1), APPROVED)
    key = ask(tx, 2, archive_existing=True)
    [asked] = found(tx, state=RequestState.OPEN)
    assert (asked.id, asked.version, asked.stage, asked.user_id, asked.comment) == (
        key, 2, "Production", "developer", "why",
    )  # fmt: skip
    assert stage_of(tx, 2) == "None"
    done = service.decide_stage_request(tx, MAINTAINER, key, APPROVED)
    assert (done.state, done.decided_by, done.decision) == ("approved", "maintainer", "good")
    assert (stage_of(tx, 1), stage_of(tx, 2), done.current_stage) == ("Archived", "Production", "Production")
    assert found(tx, state=RequestState.OPEN) == []
    assert [event.action for event in told[-3:]] == [
        "stage_request.create", "stage_request.approve", "model_version.transition",
    ]  # fmt: skip
    assert {event.object_id for event in told[-3:]} == {"m/2"}


def test_a_rejected_version_stays(tx: Connection, told: list[Event]) -> None:
    done = service.decide_stage_request(tx, MAINTAINER, ask(tx), REJECTED)
    assert (done.state, done.decision, stage_of(tx, 1)) == ("rejected", "not yet", "None")
    assert (told[-1].action, told[-1].actor.name) == ("stage_request.reject", "maintainer")
    ask(tx)


def test_who_may_do_what(tx: Connection) -> None:
    key = ask(tx)
    for refused in (
        lambda: ask(tx, 2, actor=GUEST),
        lambda: service.decide_stage_request(tx, DEVELOPER, key, APPROVED),
        lambda: service.withdraw_stage_request(tx, OTHER, key),
        lambda: service.withdraw_stage_request(tx, GUEST, key),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    service.withdraw_stage_request(tx, DEVELOPER, key)
    service.withdraw_stage_request(tx, MAINTAINER, ask(tx))
    assert [each.state for each in found(tx)] == ["withdrawn", "withdrawn"]


@pytest.mark.parametrize("again", ["approve", "reject", "withdraw"])
def test_what_is_decided_stays_so(tx: Connection, again: str) -> None:
    key = ask(tx)
    service.decide_stage_request(tx, MAINTAINER, key, REJECTED)
    acts: dict[str, Callable[[], object]] = {
        "approve": lambda: service.decide_stage_request(tx, MAINTAINER, key, APPROVED),
        "reject": lambda: service.decide_stage_request(tx, MAINTAINER, key, REJECTED),
        "withdraw": lambda: service.withdraw_stage_request(tx, DEVELOPER, key),
    }
    with pytest.raises(FailedPrecondition, match="rejected"):
        acts[again]()
    assert stage_of(tx, 1) == "None"


@pytest.mark.parametrize(
    ("version", "new", "error"),
    [
        (1, StageRequestCreate("Nirvana"), InvalidArgument),
        (1, StageRequestCreate("Archived", archive_existing=True), InvalidArgument),
        (1, StageRequestCreate("Staging", "x" * 4001), InvalidArgument),
        (1, StageRequestCreate("Staging", "\0"), InvalidArgument),
        (1, StageRequestCreate("none"), FailedPrecondition),
        (9, StageRequestCreate("Staging"), NotFound),
    ],
    ids=["stage", "archive", "long", "nul", "there", "version"],
)
def test_what_cannot_be_asked(
    tx: Connection, version: int, new: StageRequestCreate, error: type[MainspringError]
) -> None:
    with pytest.raises(error):
        service.create_stage_request(tx, DEVELOPER, "m", version, new)


def test_the_same_is_asked_once(tx: Connection) -> None:
    ask(tx)
    ask(tx, stage="Staging")
    with pytest.raises(AlreadyExists):
        ask(tx, actor=OTHER)


def test_requests_come_in_pages(tx: Connection) -> None:
    keys = [ask(tx, 1), ask(tx, 2), ask(tx, 1, "Staging")]
    page = service.search_stage_requests(tx, GUEST, max_results=2)
    rest = service.search_stage_requests(tx, GUEST, max_results=2, page_token=page.next_page_token)
    assert [each.id for each in [*page.items, *rest.items]] == keys[::-1]
    assert rest.next_page_token is None
    assert [each.id for each in found(tx, name="m", version=2)] == [keys[1]]
    assert found(tx, name="other") == []


def test_a_request_is_its_projects_alone(tx: Connection) -> None:
    key = ask(tx)
    elsewhere = replace(MAINTAINER, project=7)
    assert service.search_stage_requests(tx, elsewhere).items == []
    for decide in (key, 0, -1, 2**70):
        with pytest.raises(NotFound):
            service.decide_stage_request(tx, elsewhere, decide, APPROVED)


def test_requests_end_with_their_version(tx: Connection) -> None:
    ask(tx, 1)
    ask(tx, 2)
    service.delete_model_version(tx, LOCAL, "m", 1)
    assert [each.version for each in found(tx)] == [2]
    service.delete_registered_model(tx, LOCAL, "m")
    assert found(tx) == []


def test_versions_are_measured_together(tx: Connection) -> None:
    measured = service.measure_versions(tx, GUEST, "m", [2, 1])
    assert [(each.version, each.params, each.metrics) for each in measured] == [
        (number, {"lr": "0.1"}, {"loss": 0.5, "odd": "NaN"}) for number in (2, 1)
    ]
    for wrong, error in (([], InvalidArgument), ([1] * 101, InvalidArgument), ([3], NotFound)):
        with pytest.raises(error):
            service.measure_versions(tx, GUEST, "m", wrong)
