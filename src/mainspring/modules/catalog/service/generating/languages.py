"""In which language an item is written, as STAC's language extension has it: ``language`` and ``languages``."""

from __future__ import annotations

import re
from typing import Any

from mainspring.modules.catalog.service.generating.reporting import Report, shown
from mainspring.modules.catalog.service.generating.texts import one_line

LANGUAGE = "https://stac-extensions.github.io/language/v1.0.0/schema.json"
"""What an item claims the extension by."""

_TAG = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
)
"""A well-formed tag of RFC 5646, but for those of older lists."""
_LONGEST_TAG = 100
_MOST = 100
_RIGHT = "it must be the tag of a language like 'fr' or 'pt-BR', or a block with it as 'code'"


def is_tag(text: object) -> bool:
    """Say whether something is the tag of a language."""
    return isinstance(text, str) and len(text) <= _LONGEST_TAG and _TAG.fullmatch(text) is not None


def tag_of(value: object, field: str, report: Report) -> str:
    """Return the tag of a language, "" where there is none or, with a warning, it is none."""
    if value is None or is_tag(value):
        return str(value or "")
    report.warn("field_invalid", field, f"{field} is {shown(value)}; it must be the tag of a language like 'pt-BR'.")
    return ""


def languages_of(front: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the properties that say in which language the item is, and in which others; take them out of ``front``."""
    if isinstance(front.get("language"), list):  # which languages the data are in, as the cards of models say it
        return {}
    own, others = front.pop("language", None), front.pop("languages", None)
    language = None if own is None else _language(own, "language", report)
    if language is None:
        if others is not None:
            report.warn("field_invalid", "languages", "languages stand without language, beside which they are others.")
        return {}
    entries = others if isinstance(others, list) else [] if others is None else [others]
    read = [_language(each, f"languages.{place}", report) for place, each in enumerate(entries[:_MOST])]
    found = {each["code"].lower(): each for each in read if each is not None}
    if found.pop(language["code"].lower(), None):
        report.warn("field_invalid", "languages", "languages name the language of the item itself; they are others.")
    return {"language": language, **({"languages": list(found.values())} if found else {})}


def _language(value: object, field: str, report: Report) -> dict[str, str] | None:
    block = {"code": value} if isinstance(value, str) else value
    if not isinstance(block, dict) or not is_tag(block.get("code")):
        report.warn("field_invalid", field, f"{field} is {shown(value)}; {_RIGHT}.")
        return None
    found = {"code": str(block["code"])}
    for name in ("name", "alternate"):
        if isinstance(block.get(name), str) and (text := one_line(block[name], 100)):
            found[name] = text
    if block.get("dir") in ("ltr", "rtl"):
        found["dir"] = block["dir"]
    if wrong := sorted(set(block) - set(found)):
        right = "it may have code, name, alternate, and dir, which is ltr or rtl"
        report.warn("field_invalid", field, f"{field} has {shown(wrong)}; {right}.")
    return found
