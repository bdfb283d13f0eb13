"""DOIs: of the front matter, and of the links in a README, for the Scientific Citation extension."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.rendering import Readme
from mainspring.modules.catalog.service.generating.reporting import Report, shown
from mainspring.modules.catalog.service.generating.texts import one_line

_DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]{1,200}")
_HOSTS = {"doi.org", "dx.doi.org", "www.doi.org"}
_MOST = 50


def add_citations(front: dict[str, Any], readme: Readme, draft: Draft) -> None:
    """Add ``sci:`` fields and the link ``cite-as``: what the front matter says first, then the README's links.

    The first DOI is the project's, as in SharingHub; more of them are its publications.
    """
    given, more = front.pop("doi", None), front.pop("publications", None)
    found = [*_of_front(given, "doi", draft.report)]
    own = {"doi": draft.properties.pop("sci:doi", None), "citation": draft.properties.pop("sci:citation", None)}
    if own["doi"] is not None or own["citation"] is not None:
        found = [*_of_front(own, "sci", draft.report), *found]
    for entry in more if isinstance(more, list) else [more]:
        found += _of_front(entry, "publications", draft.report)
    found += _of_links(readme, draft.report)
    texts: dict[str, str] = {}
    for doi, text in found:
        texts[doi] = texts.get(doi) or text
    unique = list(texts.items())[:_MOST]
    citation = own["citation"] if isinstance(own["citation"], str) else ""
    if unique:
        draft.properties["sci:doi"] = unique[0][0]
        draft.link("cite-as", f"https://doi.org/{unique[0][0]}")
        citation = citation or unique[0][1]
    if citation:
        draft.properties["sci:citation"] = citation
    if unique[1:] and "sci:publications" not in draft.properties:
        entries = ({"doi": doi, "citation": text} if text else {"doi": doi} for doi, text in unique[1:])
        draft.properties["sci:publications"] = list(entries)


def _of_front(value: object, field: str, report: Report) -> list[tuple[str, str]]:
    citation = ""
    if isinstance(value, dict):
        citation = one_line(str(value.get("citation") or ""), 1000)
        value = value.get("doi") or value.get("link")
    if value is None:
        return []
    doi = _doi(value) if isinstance(value, str) else None
    if doi is None:
        message = f"{field} is {shown(value)}; it must be a DOI like 10.1234/abc, or https://doi.org/10.1234/abc."
        report.warn("doi_invalid", field, message)
        return []
    return [(doi, citation)]


def _of_links(readme: Readme, report: Report) -> list[tuple[str, str]]:
    found = []
    for text, href in readme.links():
        parts = _split(href)
        if parts is None:
            continue
        if (doi := _doi(href)) is None:
            report.warn("doi_invalid", "", f"The README links to {shown(unquote(href))}, which is no DOI.")
            continue
        found.append((doi, "" if text.startswith("http") else one_line(text.removeprefix("DOI").lstrip(": "), 1000)))
    return found


def _split(href: str) -> str | None:
    """Return the path of an address at doi.org, None of any other."""
    try:
        parts = urlsplit(href)
        return parts.path if parts.scheme in {"http", "https"} and parts.hostname in _HOSTS else None
    except ValueError:
        return None


def _doi(text: str) -> str | None:
    path = _split(text)
    doi = unquote(path if path is not None else text.strip()).removeprefix("doi:").strip("/ ")
    return doi if _DOI.fullmatch(doi) else None
