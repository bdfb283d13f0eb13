"""Configuration documents of a project: read, written as versions, and followed while they change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mainspring.client.pages import Results
from mainspring.client.transport import Transport, pause, segment
from mainspring.client.values import one_of
from mainspring.kit.errors import RateLimited, Unavailable
from mainspring.modules.configuration.schemas import (
    Difference,
    Document,
    DocumentHeader,
    Documents,
    DocumentSchema,
    DocumentSchemaUpdate,
    DocumentUpdate,
    DocumentVersion,
    DocumentVersions,
    EffectiveDocument,
    Environment,
    Rollback,
)

MOST_DOUBLINGS = 6


class ConfigurationClient:
    """The configuration of a project.

    A document stands at one level: in an ``environment`` (dev, staging or production), in the project as a whole
    where none is given, or for the whole ``instance``. What holds is all of them merged: see ``effective``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, page_size: int = 100) -> Results[DocumentHeader]:
        """Find the documents of the project and of the instance."""

        def fetch(page_token: str | None) -> Documents:
            query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(Documents, "GET", "/config", query=query)

        return Results(fetch)

    def get(
        self, name: str, environment: str | None = None, *, instance: bool = False, version: int | None = None
    ) -> Document:
        """Return a document as it stands at one level, the newest version unless told."""
        path = _document(name) if version is None else f"{_document(name)}/versions/{version}"
        return self._transport.call(Document, "GET", path, query=_level(environment, instance))

    def set(
        self,
        name: str,
        value: Mapping[str, Any],
        environment: str | None = None,
        *,
        instance: bool = False,
        message: str = "",
        expected_version: int | None = None,
    ) -> Document:
        """Write the next version of a document.

        With ``expected_version``, 0 for none, FailedPrecondition unless that is the newest.
        """
        update = DocumentUpdate(dict(value), message, expected_version)
        query = _level(environment, instance)
        return self._transport.call(Document, "PUT", _document(name), body=update, query=query)

    def delete(
        self, name: str, environment: str | None = None, *, instance: bool = False, message: str | None = None
    ) -> None:
        """Delete a document; its versions stay, and a rollback brings it back."""
        query = {**_level(environment, instance), "message": message}
        self._transport.do("DELETE", _document(name), query=query)

    def versions(
        self, name: str, environment: str | None = None, *, instance: bool = False, page_size: int = 100
    ) -> Results[DocumentVersion]:
        """Find the versions of a document, newest first."""

        def fetch(page_token: str | None) -> DocumentVersions:
            query = {**_level(environment, instance), "max_results": page_size, "page_token": page_token}
            return self._transport.call(DocumentVersions, "GET", f"{_document(name)}/versions", query=query)

        return Results(fetch)

    def diff(
        self,
        name: str,
        from_version: int,
        to_version: int | None = None,
        environment: str | None = None,
        *,
        instance: bool = False,
    ) -> Difference:
        """Return what changed between two versions; the second is the newest unless told."""
        query = {**_level(environment, instance), "from_version": from_version, "to_version": to_version}
        return self._transport.call(Difference, "GET", f"{_document(name)}/diff", query=query)

    def rollback(
        self,
        name: str,
        version: int,
        environment: str | None = None,
        *,
        instance: bool = False,
        message: str = "",
        expected_version: int | None = None,
    ) -> Document:
        """Write a version equal to an earlier one; it also brings a deleted document back."""
        body, query = Rollback(version, message, expected_version), _level(environment, instance)
        return self._transport.call(Document, "POST", f"{_document(name)}/rollback", body=body, query=query)

    def effective(
        self, name: str, environment: str | None = None, *, after: int | None = None, wait: float = 0
    ) -> EffectiveDocument:
        """Return what holds: the instance's, the project's and the environment's document, merged.

        With ``after``, a revision, wait up to ``wait`` seconds (60 at most) for another one.
        """
        query = {**_level(environment, False), "after": after, "wait": f"{wait:g}"}
        return self._transport.call(EffectiveDocument, "GET", f"{_document(name)}/effective", query=query)

    def watch(
        self, name: str, environment: str | None = None, *, after: int | None = None
    ) -> Iterator[EffectiveDocument]:
        """Yield what holds now, or after each change behind the revision ``after``, and then after each change.

        Where the connection breaks or the server is away it connects again, for ever, and misses no change. Raises
        what the server refuses: a document that never was, a right that was taken away.
        """
        seen: EffectiveDocument | None = None
        attempt = 0
        while True:
            try:
                for found in self._events(name, environment, after):
                    attempt, after = 0, found.revision
                    if seen is None or (found.value, found.deleted) != (seen.value, seen.deleted):
                        seen = found
                        yield found
            except (Unavailable, RateLimited) as error:
                pause(error, min(attempt, MOST_DOUBLINGS))
                attempt += 1

    def get_schema(self, name: str, *, instance: bool = False) -> DocumentSchema:
        """Return the JSON Schema of a name."""
        query = _level(None, instance)
        return self._transport.call(DocumentSchema, "GET", f"{_document(name)}/schema", query=query)

    def set_schema(self, name: str, schema: Mapping[str, Any], *, instance: bool = False) -> DocumentSchema:
        """Set the JSON Schema (Draft 2020-12) that the effective values of a name must fit."""
        body, query = DocumentSchemaUpdate(dict(schema)), _level(None, instance)
        return self._transport.call(DocumentSchema, "PUT", f"{_document(name)}/schema", body=body, query=query)

    def delete_schema(self, name: str, *, instance: bool = False) -> None:
        """Delete the JSON Schema of a name."""
        self._transport.do("DELETE", f"{_document(name)}/schema", query=_level(None, instance))

    def _events(self, name: str, environment: str | None, after: int | None) -> Iterator[EffectiveDocument]:
        query = {**_level(environment, False), "after": after}
        headers = {"Accept": "text/event-stream"}
        with self._transport.get_file(f"{_document(name)}/events", headers, query) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: "):
                    yield msgspec.json.decode(line.removeprefix("data: "), type=EffectiveDocument)


def _document(name: str) -> str:
    return f"/config/{segment(name)}"


def _level(environment: str | None, instance: bool) -> dict[str, str | None]:
    chosen = None if environment is None else one_of(Environment, environment, "environment").value
    return {"environment": chosen, "instance": "true" if instance else None}
