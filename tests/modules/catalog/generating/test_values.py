"""What of an item is searched."""

from __future__ import annotations

from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.service.generating import generate, values_of, words_of
from tests.modules.catalog.generating.descriptions import MODEL, described

README = """---
title: Ships of the SEA
license: MIT
keywords: [Radar]
gsd: 10
eo: {cloud_cover: 0.5}
mlm: {architecture: U-Net, tasks: [detection, segmentation], pretrained: true, input: [], output: []}
sharinghub: {jupyter: enable}
extent: {temporal: [1969-12-31, 2020-01-01T00:00:00.250Z]}
nested: {not: [searched]}
providers: [{name: Example Office, roles: [producer]}]
---
The text itself.
"""


def test_each_value_is_a_row() -> None:
    rows = values_of(generate(described(README), MODEL))
    assert set(rows) >= {
        ("title", "Ships of the SEA", None),
        ("license", "MIT", None),
        ("keywords", "Water", None),
        ("keywords", "Radar", None),
        ("gsd", None, 10.0),
        ("eo:cloud_cover", None, 0.5),
        ("mlm:architecture", "U-Net", None),
        ("mlm:tasks", "detection", None),
        ("mlm:tasks", "segmentation", None),
        ("mlm:pretrained", None, 1.0),
        ("sharinghub:jupyter", "enable", None),
        ("sharinghub:category", "ai-model", None),
        ("sharinghub:stars", None, 0.0),
        ("providers", "Example Office", None),
        ("start_datetime", None, -86_400_000.0),
        ("end_datetime", None, 1_577_836_800_250.0),
        ("created", None, 1_704_067_200_000.0),
    }
    assert {"nested", "description", "datetime", "mlm:input"}.isdisjoint(name for name, _, _ in rows)
    assert rows == sorted(rows, key=lambda row: row[0])


def test_rows_are_bounded_and_not_twice() -> None:
    properties = {"a": ["x" * 300, "x" * 200, True, 1, "", None, {"b": 1}], "b": list(range(500)), "c" * 101: 1}
    rows = values_of(Content(None, None, properties))
    assert [row for row in rows if row[0] == "a"] == [("a", "x" * 200, None), ("a", None, 1.0)]
    assert len([row for row in rows if row[0] == "b"]) == 200
    assert {row[0] for row in rows} == {"a", "b"}


def test_words_are_those_one_looks_for() -> None:
    description = described(README)
    words = words_of(description, generate(description, MODEL))
    for word in (
        "ships of the sea",
        "radar",
        "water",
        "mit",
        "example office",
        "u-net",
        "lab/a-model",
        "finds things.",
    ):
        assert word in words.split("\n")
    assert words == words.lower()
    assert "the text itself" not in words
    assert len(words_of(described(f"---\ndescription: {'long ' * 2000}\n---\n"), Content(None, None, {}))) <= 4000
