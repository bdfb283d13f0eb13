"""Assets: patterns, templates, addresses, and their limits."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.engines.sources import Release, TreeEntry
from mainspring.modules.catalog.service.generating import generate
from mainspring.modules.catalog.service.generating.globs import Glob
from tests.components.stac import EXTENSION, validate_item
from tests.modules.catalog.generating.descriptions import MODEL, as_item, described

PATHS = ("README.md", "a.tif", "data/b.tif", "data/deep/c.tif", "src/run.py", "x/data/d.tif", "ü #1.csv")
FILES = tuple(TreeEntry(path, 5) for path in PATHS)


def made(front: str, files: tuple[TreeEntry, ...] = FILES, **more: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    content = generate(described(f"---\n{front}\n---\n", files, **more), MODEL)
    item = as_item(content)
    validate_item(item)
    return item, [(warning.code, warning.field) for warning in content.warnings]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*.tif", ["a.tif", "data/b.tif", "data/deep/c.tif", "x/data/d.tif"]),
        ("data/*.tif", ["data/b.tif", "x/data/d.tif"]),
        ("/data/*.tif", ["data/b.tif"]),
        ("/data/**", ["data/b.tif", "data/deep/c.tif"]),
        ("data/**/*.tif", ["data/b.tif", "data/deep/c.tif", "x/data/d.tif"]),
        ("**/deep/*", ["data/deep/c.tif"]),
        ("./src/run.py", ["src/run.py"]),
        ("/a.tif", ["a.tif"]),
        ("[ab].tif", ["a.tif", "data/b.tif"]),
        ("[!ab].tif", ["data/deep/c.tif", "x/data/d.tif"]),
        ("?.tif", ["a.tif", "data/b.tif", "data/deep/c.tif", "x/data/d.tif"]),
        ("ü #1.csv", ["ü #1.csv"]),
        ("*.TIF", []),
        ("../*", []),
    ],
)
def test_patterns_match_as_people_expect(pattern: str, paths: list[str]) -> None:
    glob = Glob(pattern)
    assert [path for path in PATHS if glob.may_match(path) and glob.matches(path)] == paths


def test_an_asset_of_a_file_has_its_kind_size_and_checksum() -> None:
    item, _ = made("assets: ['*.csv', '*.tif']", (TreeEntry("a.tif", 5, "ab" * 32), TreeEntry("ü #1.csv", None, "no")))
    assert item["assets"] == {
        "ü #1.csv": {"href": "file:ü #1.csv", "type": "text/csv", "roles": ["data"]},
        "a.tif": {
            "href": "file:a.tif",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
            "file:size": 5,
            "file:checksum": "1220" + "ab" * 32,
        },
    }
    assert item["stac_extensions"] == [EXTENSION.format("file", "v2.1.0")]


def test_templates_are_filled_once() -> None:
    front = "assets: [{glob: 'src/*.py', key: 'code/{path}', title: '{name} of {key}', description: 'The {path}.'}]"
    item, _ = made(front, (TreeEntry("src/{key}.py"),))
    assert item["assets"]["code/src/{key}.py"]["title"] == "{key}.py of code/src/{key}.py"
    assert item["assets"]["code/src/{key}.py"]["description"] == "The src/{key}.py."


def test_kinds_roles_and_fields_are_the_rules() -> None:
    front = """assets:
  - {glob: /a.tif, type-as: cog, roles: visual, gsd: 10, eo: {cloud_cover: 3}, raster:bands: [{data_type: uint8}]}
  - {path: src/run.py, type: text/x-special, roles: [code, code]}"""
    item, warnings = made(front)
    raster = item["assets"]["a.tif"]
    assert raster["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert (raster["roles"], raster["gsd"], raster["eo:cloud_cover"]) == (["visual"], 10, 3)
    assert item["assets"]["src/run.py"]["type"] == "text/x-special"
    assert item["assets"]["src/run.py"]["roles"] == ["code"]
    claimed = [EXTENSION.format(name, version) for name, version in (("eo", "v1.1.0"), ("raster", "v1.1.0"))]
    assert set(claimed) <= set(item["stac_extensions"])
    assert warnings == []


def test_the_later_rule_of_a_file_counts() -> None:
    item, _ = made("assets: ['*.py', {glob: run.py, title: Run}]")
    assert item["assets"]["src/run.py"]["title"] == "Run"


def test_a_mapping_of_assets_is_read_too() -> None:
    item, warnings = made("assets: {run: {glob: run.py}, paper: {href: 'https://example.org/a.pdf'}}")
    assert item["assets"]["run"]["href"] == "file:src/run.py"
    assert item["assets"]["paper"] == {
        "href": "https://example.org/a.pdf",
        "type": "application/pdf",
        "roles": ["data"],
    }
    assert warnings == []


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        ("5", ("asset_invalid", "assets.0")),
        ("{key: x}", ("asset_invalid", "assets.0")),
        ("{href: 'https://example.org/'}", ("asset_invalid", "assets.0")),
        ("''", ("asset_invalid", "assets.0")),
        ("'*.nothing'", ("asset_missing", "assets.0")),
        ("{key: x, href: 'javascript:alert(1)'}", ("url_unsafe", "assets.0.href")),
        ("{key: x, href: 'file:///etc/passwd'}", ("url_unsafe", "assets.0.href")),
        ("{key: x, href: '../../etc/passwd'}", ("url_unsafe", "assets.0.href")),
        ("{key: x, href: 'https://me:secret@example.org/'}", ("url_unsafe", "assets.0.href")),
        ("{key: x, href: 'https://example.org/?private_token=abc'}", ("url_unsafe", "assets.0.href")),
    ],
)
def test_what_is_no_asset_is_left_out(entry: str, warning: tuple[str, str]) -> None:
    item, warnings = made(f"assets: [{entry}]")
    assert item["assets"] == {}
    assert warnings == [warning]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ("type-as: picture", "type-as"),
        ("type: no type", "type"),
        ("title: [1]", "title"),
        ("roles: [1]", "roles"),
        ("gsd: -1", "gsd"),
        ("file:size: 3", "file:size"),
        ("'a b': 3", "a b"),
        ("eo:cloud_cover: 300", "eo:cloud_cover"),
    ],
)
def test_a_wrong_field_of_an_asset_costs_that_field_alone(entry: str, field: str) -> None:
    item, warnings = made(f"assets: [{{glob: run.py, {entry}}}]")
    assert item["assets"]["src/run.py"] == {
        "href": "file:src/run.py",
        "type": "text/x-python",
        "roles": ["data"],
        "file:size": 5,
    }
    assert [where for _, where in warnings] == [f"assets.0.{field}"]


def test_no_message_has_the_password_of_an_address() -> None:
    content = generate(described("---\nassets: [{key: x, href: 'https://me:hunter2@example.org/'}]\n---\n"), MODEL)
    assert "hunter2" not in str(content)


def test_two_files_cannot_have_one_key() -> None:
    item, warnings = made("assets: [{glob: '*.tif', key: scene}]")
    assert list(item["assets"]) == ["scene"]
    assert warnings == [("asset_key_taken", "assets.0.key")]


def test_there_is_an_end_to_assets() -> None:
    files = tuple(TreeEntry(f"{n}.tif") for n in range(1200))
    item, warnings = made("assets: ['*.tif']", files)
    assert len(item["assets"]) == 1000
    assert warnings == [("assets_too_many", "assets")]
    item, warnings = made("a: b", files)
    assert len(item["assets"]) == 100
    assert warnings == [("assets_too_many", "assets")]
    assert made("assets: []", files)[0]["assets"] == {}


def test_without_assets_models_data_and_large_files_are_shared() -> None:
    paths = ("README.md", "a.onnx", "b.tif", "c.txt", "src/d.py", ".hidden/e.onnx")
    files = (*map(TreeEntry, paths), TreeEntry("large.bin", 1, "a" * 64))
    assert list(made("a: b", files)[0]["assets"]) == ["a.onnx", "b.tif", "large.bin"]


@pytest.mark.parametrize(
    ("readme", "files", "picture", "href"),
    [
        ("---\npreview: a.png\n---\n![preview](b.png)", ("preview.png",), "https://example.org/c.png", "file:a.png"),
        ("![Preview](./b.png)", ("preview.png",), "https://example.org/c.png", "file:b.png"),
        ("![a picture](b.png)", ("Preview.JPG",), "https://example.org/c.png", "file:Preview.JPG"),
        ("text", ("sub/preview.png",), "https://example.org/c.png", "https://example.org/c.png"),
        ("---\npreview: 'javascript:x'\n---\n", (), "javascript:x", None),
        ("![preview](https://me:x@example.org/a.png)", (), "", None),
    ],
)
def test_the_preview_is_the_first_that_there_is(
    readme: str, files: tuple[str, ...], picture: str, href: str | None
) -> None:
    content = generate(described(readme, tuple(map(TreeEntry, files)), picture=picture), MODEL)
    item = as_item(content)
    validate_item(item)
    assert item["assets"].get("preview", {}).get("href") == href
    assert [link["href"] for link in item["links"] if link["rel"] == "preview"] == ([href] if href else [])


def test_releases_are_archives_and_the_newest_is_the_version() -> None:
    links = (("net", "https://example.org/net.onnx"), ("bad", "javascript:x"))
    releases = (Release("v2", "Two", "It is <b>new</b>.", 0, links=links), Release("v1", "v1", "", 0))
    item, _ = made("assets: []", releases=releases)
    assert {key: asset["href"] for key, asset in item["assets"].items()} == {
        "release": "archive:v2",
        "release:v1": "archive:v1",
    }
    assert item["assets"]["release"]["description"] == "It is new."
    assert item["properties"]["version"] == "v2"
    assert [link["href"] for link in item["links"] if link["rel"] == "enclosure"] == ["https://example.org/net.onnx"]
    assert made("version: 3", releases=releases)[0]["properties"]["version"] == "3"
