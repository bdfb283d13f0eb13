"""What a registry keeps about a model version, and which names, descriptions and tags it takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TypedDict

import msgspec

from mainspring.kit.errors import InvalidArgument

MAX_NAME = 250
MAX_DESCRIPTION = 5000
MAX_TAG_VALUE = 5000


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A version whose bytes are stored and that has no number yet.

    ``key`` names the bytes inside the store and ``store`` is that store's address, kept for the
    error message when somebody opens the registry on another one. ``format`` is ``skops``,
    ``onnx``, ``pickle``, or ``mlflow`` for what other clients put on a server; ``sha256`` and
    ``size`` (bytes) are of the stored bytes, None where another client wrote them.
    """

    name: str
    description: str
    tags: dict[str, str]
    format: str
    store: str
    key: str
    sha256: str | None
    size: int | None


class ModelVersion(Draft, frozen=True, kw_only=True):
    """One saved version of a model. ``created_ms`` is milliseconds since the epoch, UTC."""

    version: int
    created_ms: int


class Statistics(TypedDict):
    """Counts over a whole registry; ``formats`` maps a format to its number of versions."""

    models: int
    versions: int
    size_bytes: int
    formats: dict[str, int]


def statistics_of(versions: list[ModelVersion]) -> Statistics:
    """Count versions that are already in memory."""
    formats: dict[str, int] = {}
    for version in versions:
        formats[version.format] = formats.get(version.format, 0) + 1
    return Statistics(
        models=len({version.name for version in versions}),
        versions=len(versions),
        size_bytes=sum(version.size or 0 for version in versions),
        formats=formats,
    )


def newest_of_each(versions: list[ModelVersion]) -> list[ModelVersion]:
    """Return the highest version of every name, ordered by name."""
    newest: dict[str, ModelVersion] = {}
    for version in versions:
        if version.name not in newest or newest[version.name].version < version.version:
            newest[version.name] = version
    return [newest[name] for name in sorted(newest)]


def check_name(name: str) -> None:
    """Refuse a model name that could not be kept, shown and asked for unchanged everywhere.

    A name is 1 to 250 characters of any script, without control characters, ``/``, ``\\`` and
    ``:``, not beginning or ending with a space or a dot. Raises InvalidArgument.
    """
    _check_text(name, "name", MAX_NAME)
    problem = _problem_of_name(name)
    if problem:
        raise InvalidArgument(
            f"Invalid model name {name!r}: {problem}. Use letters, digits, spaces, '.', '_' and '-'.", field="name"
        )


def _problem_of_name(name: str) -> str | None:
    if not name:
        return "it is empty"
    if unwanted := sorted({char for char in name if char in "/\\:" or unicodedata.category(char) in {"Cc", "Cf"}}):
        return f"it contains {', '.join(map(repr, unwanted))}"
    if name != name.strip() or name[0] == "." or name[-1] == ".":
        return "it begins or ends with a space or a dot"
    if name != unicodedata.normalize("NFC", name):
        return "its accents are not composed (Unicode NFC), so a name that looks the same would be another model"
    return None


def check_version(version: int | None) -> None:
    """Refuse a version that is not a positive whole number. Raises InvalidArgument."""
    if version is None:
        return
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31:
        raise InvalidArgument(
            f"Invalid version {version!r}: pass a whole number from 1, or None for the newest.", field="version"
        )


def check_description(description: str) -> None:
    """Refuse a description that is not text of at most 5000 characters. Raises InvalidArgument."""
    _check_text(description, "description", MAX_DESCRIPTION)


def checked_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the tags as a dictionary of strings: keys of 1 to 250, values of up to 5000 characters.

    Raises InvalidArgument.
    """
    kept = dict(tags or {})
    for key, value in kept.items():
        check_tag(key, value)
    return kept


def check_tag(key: str, value: str) -> None:
    """Refuse a tag whose key or value is not text of the allowed length. Raises InvalidArgument."""
    _check_text(key, "tag key", MAX_NAME)
    if not key:
        raise InvalidArgument("Invalid tag key '': it is empty.", field="tags")
    _check_text(value, f"value of tag {key!r}", MAX_TAG_VALUE)


def _check_text(text: str, what: str, limit: int) -> None:
    if not isinstance(text, str):
        raise InvalidArgument(f"The {what} is {text!r}, of type {type(text).__name__}: pass a string.", field=what)
    if len(text) > limit:
        raise InvalidArgument(f"The {what} has {len(text)} characters: {limit} is the limit.", field=what)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidArgument(
            f"The {what} {text[:80]!r} contains a NUL or half a surrogate pair: neither can be stored.", field=what
        )
