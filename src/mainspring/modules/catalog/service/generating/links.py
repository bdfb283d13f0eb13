"""Links of an item: those that the front matter gives, related projects, and what a release brings beside its files."""

from __future__ import annotations

import re
from typing import Any

from mainspring.modules.catalog.service.entries import OWN_PROJECT, Description
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.languages import tag_of
from mainspring.modules.catalog.service.generating.reporting import shown
from mainspring.modules.catalog.service.generating.texts import one_line, safe_url

MOST = 200
_REL = re.compile(r"[A-Za-z][\w:.-]{0,99}", re.ASCII)
_RESERVED = {
    *("self", "root", "parent", "collection", "collections", "items", "item", "child", "children", "next", "prev"),
    *("first", "last", "data", "search", "conformance", "service-desc", "service-doc", "queryables", "aggregate"),
}
_ITEM = "application/geo+json"
_RIGHT = "it must be an http(s) address without a password or token, a path in the project, or <collection>+<address>"


def add_links(front: dict[str, Any], description: Description, draft: Draft) -> None:
    """Add the links of the front matter, to related projects, and to the project itself."""
    entries = front.pop("links", None)
    for place, entry in enumerate(entries if isinstance(entries, list) else [] if entries is None else [entries]):
        if len(draft.links) < MOST:
            _add(entry, f"links.{place}", draft)
    related = front.pop("related", None)
    if isinstance(related, dict):
        for collection, given in related.items():
            _relate(collection, given, draft)
    elif related is not None:
        right = "it must name collections and the projects in them"
        draft.report.warn("link_invalid", "related", f"related is {shown(related)}; {right}.")
    if url := safe_url(description.url):
        draft.link("via", url, "The project at its source", "text/html")
    for name, address in description.releases[0].links[:20] if description.releases else ():
        if (href := safe_url(address)) is not None:
            draft.link("enclosure", href, one_line(name, 200))


def _add(entry: object, field: str, draft: Draft) -> None:
    if isinstance(entry, str):
        entry = {"href": entry, "rel": "related"}
    rel = entry.get("rel", "related") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(rel, str) or not _REL.fullmatch(rel):
        draft.report.warn("link_invalid", field, f"{field} is {shown(entry)}; it must have 'href' and 'rel'.")
        return
    if rel in _RESERVED:
        message = f"{field}.rel is '{rel}', which the catalog gives; it must be another relation."
        draft.report.warn("field_reserved", f"{field}.rel", message)
        return
    if "project" in entry:
        href = draft.addresses.project(str(entry.get("collection")), entry["project"])
    else:
        href = draft.addresses.resolve(entry.get("href"), mail=True)
    if href is None:
        draft.report.warn("url_unsafe", f"{field}.href", f"{field}.href is no address that can be linked to; {_RIGHT}.")
        return
    title, type = (one_line(str(entry.get(name) or ""), 200) for name in ("title", "type"))
    hreflang = tag_of(entry.get("hreflang"), f"{field}.hreflang", draft.report)
    draft.link(rel, href, title, type or (_ITEM if href.startswith(OWN_PROJECT) else ""), hreflang, given=True)


def _relate(collection: str, given: object, draft: Draft) -> None:
    for place, value in enumerate(given if isinstance(given, list) else [given]):
        field = f"related.{collection}" + (f".{place}" if isinstance(given, list) else "")
        href = draft.addresses.project(collection, value)
        if href is None:
            right = "it must be a project's address or its path, namespace/name, under the id of a collection"
            draft.report.warn("link_invalid", field, f"{field} is no project that can be linked to; {right}.")
        elif len(draft.links) < MOST:
            own = href.startswith(OWN_PROJECT)
            path = href.removeprefix(f"{OWN_PROJECT}{collection}/")
            draft.link("derived_from", href, one_line(f"{collection}: {path}", 200), _ITEM if own else "text/html")
