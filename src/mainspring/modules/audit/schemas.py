"""Wire contracts of the audit log and of webhooks. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType


class AuditScope(StrEnum):
    """Whose acts are looked at: those of one project, or all of the instance."""

    PROJECT = "project"
    INSTANCE = "instance"


class AuditEvent(Struct, frozen=True):
    """An act. ``seq`` counts acts without gaps; ``hash`` is over all of it and the hash of the act before.

    ``project`` is the path of the project as it is called now, null for what belongs to the instance. ``before``
    and ``after`` are what the act changed, ``allowed`` is false for what was refused.
    """

    seq: int
    at: int
    actor: str
    actor_kind: str
    actor_key: int | None
    credential: int | None
    project: str | None
    action: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    allowed: bool
    request_id: str
    address: str
    hash: str


class AuditSearch(Struct, frozen=True):
    """Which acts: what is left out does not matter.

    ``action`` may end with a star, such as ``model_version.*``. ``text`` is looked for anywhere in an
    object's id. ``since`` is the first moment, ``until`` the first one past it.
    """

    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    text: str | None = None
    allowed: bool | None = None
    since: int | None = None
    until: int | None = None
    scope: AuditScope = AuditScope.PROJECT


class AuditEvents(Struct):
    """One page of acts, the newest first; ``next_page_token`` is null at the end."""

    items: list[AuditEvent]
    next_page_token: str | None = None


class AuditFormat(StrEnum):
    """How acts are exported: a JSON object a line, or comma-separated values."""

    NDJSON = "ndjson"
    CSV = "csv"


class Verification(Struct):
    """What checking a part of the log has found.

    ``problem`` says what is wrong with the act ``seq``, null where all is well up to it; ``hash`` is that
    act's. ``next_after`` is where to go on, null at the end. Who notes the last ``seq`` and ``hash`` elsewhere
    will notice even a log that was written anew as a whole.
    """

    checked: int
    seq: int
    hash: str
    problem: str | None = None
    next_after: int | None = None


class WebhookStatus(StrEnum):
    """Whether a webhook is sent anything."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class WebhookFormat(StrEnum):
    """What is sent: our acts as they are, or MLflow's events."""

    MAINSPRING = "mainspring"
    MLFLOW = "mlflow"


class Webhook(Struct, frozen=True):
    """A webhook; its secret is never shown, ``signed`` says whether it has one."""

    webhook_id: str
    name: str
    url: str
    events: list[str]
    format: WebhookFormat
    status: WebhookStatus
    signed: bool
    created_by: str
    created_at: int
    updated_at: int
    description: str | None = None


class WebhookCreate(Struct):
    """``events`` are actions such as ``model_version.create``, or patterns such as ``model_version.*``.

    In the format ``mlflow`` they are MLflow's, such as ``model_version.created``.
    """

    name: str
    url: str
    events: list[str]
    description: str | None = None
    secret: str | None = None
    format: WebhookFormat = WebhookFormat.MAINSPRING
    status: WebhookStatus = WebhookStatus.ACTIVE


class WebhookUpdate(Struct):
    """What is left out stays as it is; a null ``secret`` takes the secret away."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    secret: str | UnsetType | None = UNSET
    status: WebhookStatus | UnsetType = UNSET


class WebhookTest(Struct):
    """Which event is pretended; null is the webhook's first."""

    event: str | None = None


class WebhookTestResult(Struct):
    """What came of a test: the receiver's answer, or why there is none."""

    success: bool
    response_status: int | None = None
    response_body: str | None = None
    error: str | None = None


class Webhooks(Struct):
    """One page of webhooks, the newest first; ``next_page_token`` is null at the end."""

    items: list[Webhook]
    next_page_token: str | None = None


class DeliveryState(StrEnum):
    """How far a delivery has come: it waits to be sent (again), was taken, or was given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Struct, frozen=True):
    """What a webhook is sent for one act, and what came of the last attempt.

    ``response_body`` is how the receiver's answer begins.
    """

    delivery_id: str
    event: str
    seq: int | None
    state: DeliveryState
    attempts: int
    next_at: int | None
    response_status: int | None
    duration_ms: int | None
    response_body: str | None
    error: str | None
    body: str
    created_at: int
    updated_at: int


class Deliveries(Struct):
    """One page of deliveries, the newest first; ``next_page_token`` is null at the end."""

    items: list[Delivery]
    next_page_token: str | None = None
