"""In which language the API answers: English, whatever is asked for; an item in that which it says of itself."""

from __future__ import annotations

from typing import Any

LANGUAGE = "en"
EXTENSION = "https://stac-extensions.github.io/language/v1.0.0/schema.json"
ENGLISH = {"code": LANGUAGE, "name": "English"}
"""The language of the API's own words, as STAC's language extension tells it; there is no other."""


def language_of(item: dict[str, Any]) -> str:
    """Return the tag of the language that an item says it is in, else that of the words that are the API's."""
    language = item["properties"].get("language")
    return language["code"] if isinstance(language, dict) else LANGUAGE
