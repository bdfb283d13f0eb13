"""Whatever a README holds, an item comes of it, a valid one, and soon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainspring.engines.sources import Release, TreeEntry
from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.service.generating import CODES, generate, lint, render_readme, values_of, words_of
from tests.components.stac import validate_item
from tests.modules.catalog.generating.descriptions import MODEL, as_item, described

DEAREST = 4
"""Times of what an ordinary README of the longest size costs, so that the speed of the machine does not count."""
T = TypeVar("T")
QUIET = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
}

FILES = (
    TreeEntry("model/net.onnx", 10, "a" * 64),
    TreeEntry("data/a.tif", 3),
    TreeEntry("data/b.weights.h5", None),
    TreeEntry("src/run.py", 0),
    TreeEntry("a b/ü#?.csv", 1),
    TreeEntry("new\nline", 1),
    TreeEntry("", 1),
)

WORDS = """
x|U-Net|segmentation|10|2024-01-01|2024-01-01T00:00:00Z|nan|*|**/*.onnx|a/../../b|https://example.org/x|code|onnx
javascript:alert(1)|data:text/html,x|dataset+https://example.org/a/b|./data/a.tif|POINT (1 2)|10.1234/abc|geojson
POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))|mlm:model|https://u:p@example.org|{path}|{key}{path}|lab/other|float32|red
name with ' " < &|..
"""
NAMES = """
title description license license-url extent spatial temporal bbox providers name roles url links rel href related
dataset ai-model assets glob key type type-as extensions sharinghub eo cloud_cover bands eo:bands raster:bands raster
sci doi citation publications mlm mlm:name architecture tasks input output result shape dim_order data_type framework
framework_version artifact_type mlm:artifact_type accelerator hyperparameters entrypoint mlm:entrypoint ml-model
learning_approach prediction_type gsd platform instruments keywords preview version deprecated experimental datetime
created start_datetime end_datetime classification classes file size processing level statistics nodata unit mission
coordinates geometry id self ml common_name
"""
words = st.sampled_from(["", "\u202ex", "e\u0301", *WORDS.strip().replace("\n", "|").split("|")])
scalars = st.one_of(
    words, st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.datetimes()
)
names = st.sampled_from(NAMES.split())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(names, words, st.integers()), inner, max_size=5)
    ),
    max_leaves=12,
)
blocks = st.dictionaries(st.one_of(names, names, names, st.text(max_size=5)), values, max_size=8)
PARTS = (
    "# T",
    "![preview](a.png)",
    "![preview](javascript:x)",
    "[DOI: x](https://doi.org/10.1234/x)",
    "<script>",
    "[a](b)",
    "| a | b |\n|---|---|\n| <b> | x |",
    "[x](https://doi.org/10.9/<y>)",
    "\x00",
    "```\n",
    "&lt;x&gt;",
)
bodies = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS)).map("\n\n".join))


def check(readme: str, **changes: Any) -> Content:
    description = described(readme, **{"files": FILES, **changes})
    content = generate(description, MODEL)
    validate_item(as_item(content))
    assert {warning.code for warning in content.warnings} <= set(CODES)
    text = msgspec.json.encode(content).decode()
    # What is made of paths and texts is text that UTF-8 can hold, without control characters and without scripts.
    assert not any(ord(each) < 32 for value in _texts(json.loads(text)) for each in value if each not in "\n\t")
    assert not any(
        str(link["href"]).lower().startswith(("javascript:", "data:", "vbscript:")) for link in content.links
    )
    for row in values_of(content):
        assert (row[1] is None) != (row[2] is None)
    assert words_of(description, content) == words_of(description, content).lower()
    return content


def cost(act: Callable[[], T]) -> tuple[float, T]:
    """Return the times of what an ordinary README costs that something costs, of a few times the best; its result."""
    ratios = []
    for _ in range(4):
        usual, _content = _seconds(lambda: generate(ORDINARY, MODEL))
        seconds, result = _seconds(act)
        ratios.append(seconds / usual)
        if ratios[-1] < DEAREST:
            break
    return min(ratios), result


def _seconds(act: Callable[[], T]) -> tuple[float, T]:
    begin = time.process_time()
    result = act()
    return time.process_time() - begin, result


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]


@settings(max_examples=200, **QUIET)
@given(front=blocks, body=bodies)
def test_any_front_matter_gives_a_valid_item(front: dict[str, Any], body: str) -> None:
    text = yaml.safe_dump(front, allow_unicode=True)
    check(f"---\n{text}---\n{body}")


MLM_BLOCK = {
    "name": "A net",
    "architecture": "U-Net",
    "tasks": ["segmentation"],
    "framework": "ONNX",
    "input": [{"name": "chip", "input": {"shape": [-1, 3], "dim_order": ["batch", "channel"], "data_type": "float32"}}],
    "output": [
        {
            "name": "mask",
            "tasks": ["segmentation"],
            "result": {"shape": [-1, 1], "dim_order": ["batch", "class"], "data_type": "uint8"},
        }
    ],
}


@settings(max_examples=120, **QUIET)
@given(changes=st.dictionaries(names, values, max_size=3), more=blocks, assets=st.one_of(st.none(), values))
def test_any_model_gives_a_valid_item(changes: dict[str, Any], more: dict[str, Any], assets: object) -> None:
    front = {"assets": ["**/*.onnx", "*.py"], **more, "mlm": {**MLM_BLOCK, **changes}}
    if assets is not None:
        front["assets"] = [assets]
    check(f"---\n{yaml.safe_dump(front)}---\n")


@settings(max_examples=80, **QUIET)
@given(readme=st.one_of(st.text(max_size=200), st.text("-:[]{}&*!|>'\"%@`#, \nab0.", max_size=120)))
def test_any_text_gives_a_valid_item(readme: str) -> None:
    check(readme)
    check(f"---\n{readme}\n---\n")
    lint(readme)


@settings(max_examples=60, **QUIET)
@given(
    text=st.text(max_size=30),
    files=st.lists(st.builds(TreeEntry, st.text(max_size=20), st.integers(), st.text(max_size=5)), max_size=5),
    at=st.tuples(st.integers(-(10**16), 10**16), st.integers(-(10**16), 10**16)),
)
def test_any_project_gives_a_valid_item(text: str, files: list[TreeEntry], at: tuple[int, int]) -> None:
    release = Release(text, text, text, 0, links=((text, text),))
    check(
        "---\nassets: ['**']\n---\n",
        title=text,
        description=text,
        topics=(text,),
        path=text,
        url=text,
        license=text,
        picture=text,
        ref=text,
        files=tuple(files),
        releases=(release,),
        created_at=at[0],
        updated_at=at[1],
    )


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
MANY = tuple(TreeEntry(f"{'a' * 200}/{'b' * 200}/{n}.tif", 1, "a" * 64) for n in range(20_000))
CLASSES = ",".join(f"{{value: {n}, description: a{n}}}" for n in range(800))
HOSTILE = {
    "billion laughs": (LAUGHS, ()),
    "deep flow": ("a: " + "[" * 60_000, ()),
    "deep mapping": ("a: " + "{b: " * 15_000, ()),
    "deep block": ("\n".join(" " * n + "a:" for n in range(350)), ()),
    "large": ("a: " + "x" * 5_000_000, ()),
    "many keys": ("".join(f"k{n}: {n}\n" for n in range(7_000)), ()),
    "many values": (f"a: [{'1,' * 32_000}]", ()),
    "many keywords": (f"keywords: [{'a,' * 32_000}]", ()),
    "many bands": (f"bands: [{'{name: a},' * 6_000}]", ()),
    "many tasks": (f"mlm: {{architecture: x, tasks: [{'a b,' * 15_000}]}}", ()),
    "many inputs": (f"mlm: {{architecture: x, input: [{'{name: a},' * 6_000}]}}", ()),
    "many classes": (f"classification: {{classes: [{CLASSES}]}}", ()),
    "many classes of an output": (
        f"mlm: {{architecture: x, tasks: [], input: [], output: [{{name: x, tasks: [], result: {{shape: [1], "
        f"dim_order: [a], data_type: uint8}}, classification:classes: [{CLASSES}]}}]}}",
        FILES,
    ),
    "deep WKT": (f"extent: {{spatial: '{'GEOMETRYCOLLECTION(' * 3_000}'}}", ()),
    "long WKT": (f"extent: {{spatial: 'LINESTRING({'1 2,' * 15_000} 1 2)'}}", ()),
    "crossing WKT": (
        f"extent: {{spatial: 'LINESTRING({', '.join(f'{n % 97} {n % 89}' for n in range(4_900))})'}}",
        (),
    ),
    "crossing polygon": (
        f"extent: {{spatial: 'POLYGON(({', '.join(f'{n * 37 % 97} {n * 53 % 89}' for n in range(900))}, 0 0))'}}",
        (),
    ),
    "GeoJSON": (f"extent: {{spatial: {{type: Polygon, coordinates: {'[' * 15}{']' * 15}}}}}", ()),
    "stars": (f"assets: ['{'*a' * 140}[b]']", (TreeEntry("a" * 1000),) * 3_000),
    "folders": (f"assets: ['{'**/*a*/' * 37}[b]']", (TreeEntry("/".join(["aaaa"] * 190)),) * 3_000),
    "many folders": (f"assets: ['{'a/' * 148}[b]']", (TreeEntry("a/" * 490 + "a"),) * 3_000),
    "many patterns": (f"assets: [{', '.join(['x*'] * 50)}]", MANY),
    "many files": ("assets: ['**']", MANY),
    "many rules": ("assets:" + "\n- '*.tif'" * 5_000, MANY),
    "long templates": (f"assets: [{{glob: '**', title: '{'{path}' * 2_000}', key: '{'{path}' * 30}'}}]", MANY),
    "large assets": (f"assets: [{{glob: '**', 'eo:bands': [{'{name: aaaaaaaa},' * 3_000}]}}]", MANY),
    "version": (f"mlm: {{framework_version: '{'0' * 30_000}x', name: '{'a ' * 15_000}!'}}", ()),
    "time": (f"extent: {{temporal: ['{'2024-' * 10_000}', '{'1' * 10_000}']}}", ()),
    "license": (f"license: '{'the license ' * 5_000}'", ()),
    "number": (f"a: {'9' * 60_000}", ()),
    "sexagesimal": (f"a: {'1:' * 30_000}1", ()),
}


FRONT = "".join(f"key{n}:\n  name: some words\n  values: [1, 2, three]\n" for n in range(1_200))
CHAPTER = """
## Chapter

Some *words* of a [model](model/net.onnx) and its `code`, see [the page](https://example.org/x).

- one
- two

![A picture](a.png)

| a | b |
|---|---|
| 1 | 2 |

```python
print(1)
```
"""
ORDINARY = described(f"---\n{FRONT}---\n{CHAPTER * 180}", FILES)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_front_matter_costs_little(name: str) -> None:
    front, files = HOSTILE[name]
    description = described(f"---\n{front}\n---\n", files)
    times, content = cost(lambda: generate(description, MODEL))
    assert times < DEAREST
    assert len(content.assets) <= 1001
    assert len(msgspec.json.encode(content)) < 2_000_000
    assert all(len(warning.message) <= 600 for warning in content.warnings)
    validate_item(as_item(content))


BODIES = {
    "brackets": "[" * 60_000,
    "pictures": "![" * 40_000,
    "emphasis": "**a *b " * 9_000,
    "underscores": "_a_" * 30_000,
    "quotes": "> " * 40_000,
    "backticks": "".join("`" * n + " " for n in range(1, 340)),
    "table": "|" * 300 + "\n" + "|-" * 300 + "|\n" + "|\n" * 20_000,
    "lists": "* a\n" + "".join(" " * n + "* a\n" for n in range(300)),
    "tags": "<a" * 40_000,
    "references": f"[a]: https://example.org/{'x' * 1500} '{'t' * 1500}'\n\n" + "[a] " * 9_000,
    "comments": "<!--" * 20_000,
    "entities": "&#x41;" * 10_000,
    "lines": "\n" * 100_000,
    "autolinks": "<https://a" * 8_000,
}


@pytest.mark.parametrize("name", BODIES)
def test_hostile_readmes_cost_little(name: str) -> None:
    times, html = cost(lambda: render_readme(BODIES[name]))
    assert times < DEAREST
    assert len(html) < 1_000_000
