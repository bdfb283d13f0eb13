"""``mainspring catalog``: what it prints, and READMEs that are checked without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainspring.kit.errors import InvalidArgument, NotFound
from tests.cli.conftest import Typed

GOOD, BAD = "---\nlicense: MIT\n---\n", "---\nlicense: [1]\n---\n"


def test_a_readme_is_checked_without_a_server(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_URL", "http://127.0.0.1:1")
    (tmp_path / "README.md").write_text(GOOD)
    (tmp_path / "bad.md").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    assert "as it should be" in typed("catalog", "lint").err
    assert "license" in typed("catalog", "lint", "bad.md", code=1).out
    warnings = typed("catalog", "lint", "bad.md", "--json", code=1).json["warnings"]
    assert [warning["field"] for warning in warnings] == ["license"]
    typed("catalog", "lint", "none.md", code=InvalidArgument.code.exit_code)
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe\x00")
    typed("catalog", "lint", "bytes.md", code=InvalidArgument.code.exit_code)


def test_items_are_found_shown_and_starred(on_server: Typed, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(BAD)
    on_server("projects", "create", "default/lark-songs", "--topic", "sharinghub:dataset", "--readme", readme)
    [item] = on_server("catalog", "search", "lark", "--collection", "dataset", "--json").json["items"]
    assert item["id"] == "lark-songs"
    assert "lark-songs" in on_server("catalog", "search", "lark", "--sort-by", "-updated", "--limit", "1").out
    assert "Nothing is found" in on_server("catalog", "search", "no-such-thing").err
    assert "lark-songs" in on_server("catalog", "show", "dataset", "default/lark-songs").out
    on_server("catalog", "show", "dataset", "default/none", code=NotFound.code.exit_code)
    on_server("catalog", "search", "--bbox", "1,2,x", code=InvalidArgument.code.exit_code)
    on_server("catalog", "star", "default/lark-songs")
    shown = on_server("catalog", "show", "dataset", "lark-songs", "--json").json
    assert shown["properties"]["sharinghub:stars"] == 1
    on_server("catalog", "unstar", "default/lark-songs")
    assert "license" in on_server("catalog", "warnings", "--of", "default/lark-songs").out
    assert "at home here" in on_server("catalog", "sources").err
    on_server("catalog", "sync", "--of", "default/lark-songs")
    on_server("catalog", "sync", "--source", "gitlab:https://none", code=NotFound.code.exit_code)
    on_server("projects", "delete", "default/lark-songs", "--yes")
    assert "Nothing is found" in on_server("catalog", "search", "lark").err
