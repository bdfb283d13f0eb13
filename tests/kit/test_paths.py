"""Artifact paths that are refused, and the strange ones that are not."""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.uri import validate_path_is_safe

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.paths import artifact_path

SAFE = [
    "model/MLmodel",
    "a b/c d.txt",
    "100%.txt",
    "a%20b",
    "50%25",
    "%zz",
    "a?b",
    "a;b=c&d",
    "plots/été/日本語.png",
    "...",
    "a/..b/c..",
    "~/x",
    "-rf",
    "mailto:x",
    "ab:c",
    "n" * 255,
    "/".join(["n" * 127] * 8),
]

ESCAPES = [
    "..",
    "../x",
    "a/../../x",
    "%2e%2e/x",
    "%252e%252e/x",
    "a/%2E%2e/b",
    "..%2fx",
    "/etc/passwd",
    "%2fetc/passwd",
    "//host/share",
    "C:/x",
    "c%3A/x",
    "\\\\host\\share",
    "%5c%5chost",
    "file:///etc/passwd",
    "FILE:x",
    "file%3Ax",
    "a#b",
    "a%23b",
]

STRICTER = [
    "",
    "a//b",
    "a/",
    "./a",
    "a/.",
    "a\\b",
    "..\\a",
    "C:x",
    "a\x00b",
    "a%00b",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "\udc80",
]

TOO_LONG = ["n" * 256, "é" * 128, "/".join(["n" * 127] * 8) + "xy", "%25" * 400, "x" * 10_000_000]


@pytest.mark.parametrize("path", SAFE)
def test_a_strange_but_safe_path_stays_as_it_is(path: str) -> None:
    assert artifact_path(path) == path
    validate_path_is_safe(path)


@pytest.mark.parametrize("path", ESCAPES)
def test_what_mlflow_refuses_is_refused(path: str) -> None:
    if not path.startswith(("\\", "%5c")):  # an absolute path on Windows, where its check looks further
        with pytest.raises(MlflowException, match="Invalid path"):
            validate_path_is_safe(path)
    with pytest.raises(InvalidArgument, match=r"^Invalid path"):
        artifact_path(path)


@pytest.mark.parametrize("path", STRICTER, ids=ascii)
def test_what_no_store_or_client_can_keep_apart_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid path"):
        artifact_path(path)


@pytest.mark.parametrize("path", TOO_LONG, ids=lambda path: f"{path[:3]}-{len(path)}")
def test_a_path_too_long_is_refused_without_repeating_it(path: str) -> None:
    with pytest.raises(InvalidArgument, match="bytes") as refused:
        artifact_path(path)
    assert len(refused.value.message) < 300


def test_endless_encoding_is_refused() -> None:
    path = "x%20y"
    for _ in range(12):
        path = quote(path)
    with pytest.raises(InvalidArgument, match="encoded"):
        artifact_path(path)


PIECES = st.sampled_from(
    ["..", ".", "/", "%2e", "%2f", "%252e", "%5c", "\\", "C:", "file:", "a", "é", "%", "#", "\x00", "//"]
)
PATHS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=40))


@given(PATHS, st.integers(min_value=0, max_value=12))
def test_no_accepted_path_leaves_its_root_however_often_it_is_decoded(path: str, rounds: int) -> None:
    try:
        artifact_path(path)
    except InvalidArgument:
        return
    for _ in range(rounds):
        path = unquote(path)
    root = Path(tempfile.gettempdir()).resolve() / "root"
    joined = Path(os.path.normpath(root / path))
    assert joined == root or root in joined.parents
    assert "\\" not in path
