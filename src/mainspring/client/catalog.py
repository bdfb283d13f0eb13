"""The catalog: items of the projects that you may see, wherever they are kept, and how good their metadata is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from mainspring.client.pages import Results
from mainspring.client.transport import Transport, segment
from mainspring.modules.catalog.schemas import (
    CatalogSource,
    CatalogSources,
    LintReport,
    LintRequest,
    MetadataWarning,
    Readme,
    SyncRequest,
    WarnedItem,
    WarnedItems,
)

Item = dict[str, Any]
"""An item as STAC has it, in JSON."""


class _Link(Struct):
    rel: str
    body: dict[str, Any] = field(default_factory=dict)


class _Found(Struct):
    features: list[Item]
    links: list[_Link] = field(default_factory=list)


class Items(Struct):
    """A page of items."""

    items: list[Item]
    next_page_token: str | None = None


class CatalogClient:
    """The catalog of a server. Items are those of STAC 1.1.0, in JSON."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._server = transport, transport.of(None)

    def search(
        self,
        text: str = "",
        *,
        collections: Sequence[str] = (),
        bbox: Sequence[float] = (),
        datetime: str = "",
        filter: str = "",
        sort_by: Sequence[str] = (),
        page_size: int = 100,
    ) -> Results[Item]:
        """Find items, by free text, in a box, at a time (``2020-01-01/..``), and by a filter of CQL2's text.

        ``sort_by`` names properties, those to go down with ``-`` before them.
        """
        wanted: dict[str, Any] = {"limit": page_size}
        given = {"collections": [*collections], "bbox": [*bbox], "datetime": datetime, "q": [text] if text else []}
        wanted |= {name: value for name, value in given.items() if value}
        if filter:
            wanted |= {"filter": filter, "filter-lang": "cql2-text"}
        if sort_by:
            wanted["sortby"] = [
                {"field": name.lstrip("+-"), "direction": "desc" if name.startswith("-") else "asc"} for name in sort_by
            ]

        def fetch(page_token: str | None) -> Items:
            body = {**wanted, "token": page_token} if page_token else wanted
            found = self._server.call(_Found, "POST", "/stac/search", body=body)
            following = [link.body.get("token") for link in found.links if link.rel == "next"]
            return Items(found.features, following[0] if following else None)

        return Results(fetch)

    def get(self, collection: str, id: str) -> Item:
        """Return the item of an id, or of a project's path, ``namespace/name``."""
        path = "/".join(segment(part) for part in id.split("/"))
        item: Item = self._server.call(dict, "GET", f"/stac/collections/{segment(collection)}/items/{path}")
        return item

    def sources(self) -> list[CatalogSource]:
        """Return where the catalog's projects come from, and how fresh it is."""
        return self._server.call(CatalogSources, "GET", "/catalog/sources").items

    def sync(self, *, source: str | None = None, project: str | None = None) -> list[CatalogSource]:
        """Have a source, a project, or everything read again, soon; for administrators."""
        wanted = SyncRequest(source, project)
        return self._server.call(CatalogSources, "POST", "/catalog/sync", body=wanted).items

    def warnings(self, *, project: str = "", page_size: int = 100) -> Results[WarnedItem]:
        """Find items whose metadata is not as it should be, with what is wrong."""

        def fetch(page_token: str | None) -> WarnedItems:
            page = {"max_results": page_size, "page_token": page_token}
            return self._server.call(WarnedItems, "GET", "/catalog/warnings", query={"project": project, **page})

        return Results(fetch)

    def lint(self, readme: str) -> list[MetadataWarning]:
        """Return what is wrong with the metadata of a README, by its text."""
        return self._server.call(LintReport, "POST", "/catalog/lint", body=LintRequest(readme)).warnings

    def readme(self, project: str | None = None) -> Readme:
        """Return the README of a project as safe HTML: left out, of the one that the client works in."""
        return self._of(project).call(Readme, "GET", "/project/readme")

    def star(self, project: str | None = None) -> None:
        """Star a project, where it comes from: left out, the one that the client works in."""
        self._of(project).do("PUT", "/project/star")

    def unstar(self, project: str | None = None) -> None:
        """Take your star of a project back."""
        self._of(project).do("DELETE", "/project/star")

    def _of(self, project: str | None) -> Transport:
        return self._transport if project is None else self._transport.of(project)
