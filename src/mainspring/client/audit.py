"""The audit log: who did what to which object."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from msgspec.structs import asdict

from mainspring.client.pages import Results
from mainspring.client.transport import Transport
from mainspring.modules.audit.schemas import (
    AuditEvent,
    AuditEvents,
    AuditFormat,
    AuditScope,
    AuditSearch,
    Verification,
)


class AuditClient:
    """The audit log of a server. Times are milliseconds since the epoch, UTC."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        object_id: str | None = None,
        text: str | None = None,
        allowed: bool | None = None,
        since: int | None = None,
        until: int | None = None,
        scope: AuditScope | str = AuditScope.PROJECT,
        page_size: int = 100,
    ) -> Results[AuditEvent]:
        """Find acts, the newest first.

        ``action`` may end with a star, such as ``model_version.*``; ``text`` is part of an object's id. The
        scope ``instance`` is for admins: the acts of all projects.
        """
        wanted = AuditSearch(actor, action, object_id, text, allowed, since, until, AuditScope(scope))

        def fetch(page_token: str | None) -> AuditEvents:
            query = _query(wanted) | {"max_results": str(page_size), "page_token": page_token}
            return self._transport.call(AuditEvents, "GET", "/audit", query=query)

        return Results(fetch)

    def export(
        self,
        *,
        format: AuditFormat | str = AuditFormat.NDJSON,
        actor: str | None = None,
        action: str | None = None,
        object_id: str | None = None,
        text: str | None = None,
        allowed: bool | None = None,
        since: int | None = None,
        until: int | None = None,
        scope: AuditScope | str = AuditScope.PROJECT,
    ) -> Iterator[bytes]:
        """Yield the pieces of a file of acts, the oldest first: a JSON object a line, or ``csv``."""
        wanted = AuditSearch(actor, action, object_id, text, allowed, since, until, AuditScope(scope))
        query = {name: value for name, value in _query(wanted).items() if value is not None}
        path = f"/audit/export?{urlencode(query | {'format': AuditFormat(format).value})}"
        with self._transport.get_file(path, {}) as reply:
            yield from reply.iter_bytes()

    def verify(self) -> Verification:
        """Check the whole log and return where it ends, or the first act that was changed or is missing."""
        checked, after = 0, 0
        while True:
            part = self._transport.call(Verification, "GET", "/audit/verify", query={"after": after})
            checked += part.checked
            if part.problem or part.next_after is None:
                return Verification(checked, part.seq, part.hash, part.problem)
            after = part.next_after


def _query(wanted: AuditSearch) -> dict[str, str | None]:
    given = asdict(wanted)
    allowed = given.pop("allowed")
    texts = {name: None if value is None else str(value) for name, value in given.items()}
    return texts | {"allowed": None if allowed is None else str(allowed).lower()}
