"""The page that tells how to describe a project is true: its examples are right, and its warnings all there are."""

from __future__ import annotations

import re

import pytest

from mainspring.engines.sources import TreeEntry
from mainspring.modules.catalog.service.generating import CODES, generate, lint
from mainspring.modules.catalog.service.generating.media_types import TYPE_AS
from tests.components.stac import EXTENSION, validate_item
from tests.docs.pages import ROOT
from tests.modules.catalog.generating.descriptions import MODEL, as_item, described

PAGE = (ROOT / "docs" / "how-to" / "describe-a-project.md").read_text()
READMES = [
    *re.findall(r"^```text\n(---\n.*?)^```", PAGE, re.DOTALL | re.MULTILINE),
    *(f"---\n{block}---\n" for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)),
]
FILES = tuple(map(TreeEntry, ("net.onnx", "checkpoints/a.onnx", "data/a.tif", "a.tiff", "requirements.txt")))


def test_the_page_has_examples() -> None:
    assert len(READMES) == 9


@pytest.mark.parametrize("readme", READMES, ids=range(len(READMES)))
def test_examples_are_right(readme: str) -> None:
    assert lint(readme) == []
    content = generate(described(readme, FILES), MODEL)
    assert content.warnings == []
    validate_item(as_item(content))


def test_the_example_of_a_model_is_one() -> None:
    readme = next(each for each in READMES if "\nmlm:" in each)
    content = generate(described(readme, FILES), MODEL)
    assert EXTENSION.format("mlm", "v1.5.2") in content.extensions
    assert [band["name"] for band in content.properties["bands"]] == ["vv", "vh"]


def test_warnings_are_the_documented_ones() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.partition("## Warnings")[2], re.MULTILINE))
    assert told == CODES


def test_media_types_are_the_documented_ones() -> None:
    sentence = PAGE.partition("`type-as` a known one:")[2].partition(".")[0]
    assert re.findall(r"`([\w-]+)`", sentence) == list(TYPE_AS)
