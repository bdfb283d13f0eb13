"""Paths that someone else wrote: checked before they are joined to anything of ours."""

import re
import unicodedata
from urllib.parse import unquote

from mainspring.kit.errors import InvalidArgument

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255

_MAX_DECODINGS = 10
_SHOWN = 100
_DRIVE = re.compile(r"[A-Za-z]:")


def artifact_path(text: str) -> str:
    """Return ``text`` unchanged if it is a safe relative path of an artifact.

    The text is checked as given and after each round of percent-decoding, for whoever decodes it once
    more; what is returned keeps its percent signs, since ``100%.txt`` and ``a%20b`` are file names too.
    Refused are ``..``, absolute paths of POSIX and Windows, drive letters, backslashes, ``file:``, ``#``,
    control characters, empty and ``.`` parts, more than 1024 bytes, and names of more than 255 bytes.

    Raises InvalidArgument, "Invalid path …". Source: MLflow's ``validate_path_is_safe``, which is laxer
    about backslashes, drive letters and control characters.
    """
    problem = _problem(text)
    if problem:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise InvalidArgument(f"Invalid path {shown!r}: {problem}", field="path")
    return text


def _problem(text: str) -> str | None:
    """Return what is wrong with ``text``, or None."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode."
    if size > MAX_PATH_BYTES:
        return f"it has {size} bytes, at most {MAX_PATH_BYTES} are allowed."
    names = text.split("/")
    if any(len(name.encode()) > MAX_NAME_BYTES for name in names):
        return f"one of its names has more than {MAX_NAME_BYTES} bytes."
    return _problem_of_any_decoding(text) or _problem_of_names(names)


def _problem_of_names(names: list[str]) -> str | None:
    if "" in names:
        return "it is empty, or has two slashes in a row or one at the end."
    if "." in names:
        return "'.' is not a name."
    return None


def _problem_of_any_decoding(text: str) -> str | None:
    for _ in range(_MAX_DECODINGS):
        problem = _problem_of_form(text)
        decoded = unquote(text)
        if problem or decoded == text:
            return problem
        text = decoded
    return f"it is percent-encoded more than {_MAX_DECODINGS} times."


def _problem_of_form(text: str) -> str | None:
    """Return what would let one spelling of the path escape, or None."""
    if ".." in text.split("/"):
        return "'..' would leave the folder."
    if text.startswith("/") or _DRIVE.match(text):
        return "it must be relative: no leading slash, no drive letter."
    if text.lower().startswith("file:"):
        return "it must be a path, not a file: URI."
    if "\\" in text or "#" in text:
        return "backslashes and '#' are not allowed."
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "control characters are not allowed."
    return None


def repeatedly_unquoted(text: str) -> str:
    """Return ``text`` percent-decoded until nothing changes, as someone may decode it once more."""
    for _ in range(_MAX_DECODINGS):
        decoded = unquote(text)
        if decoded == text:
            break
        text = decoded
    return text
