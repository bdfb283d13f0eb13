"""Title, license, providers, keywords, links, citations and every further field."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.service.generating import generate, lint
from mainspring.modules.catalog.service.generating.checking import _schemas
from mainspring.modules.catalog.service.generating.licenses import spdx
from tests.components import stac
from tests.components.stac import EXTENSION, validate_item
from tests.modules.catalog.generating.descriptions import HOME, MODEL, as_item, described


def content_of(front: str, body: str = "", category: Category = MODEL, **more: Any) -> Content:
    content = generate(described(f"---\n{front}\n---\n{body}", **more), category)
    validate_item(as_item(content, category))
    return content


def found(content: Content) -> list[tuple[str, str]]:
    return [(warning.code, warning.field) for warning in content.warnings]


def test_the_schemas_that_items_are_checked_with_are_the_published_ones() -> None:
    for url, schema in _schemas().items():
        published = stac.known_schemas()[url]
        assert schema == published, url


def test_what_the_front_matter_does_not_say_comes_from_the_project() -> None:
    properties = content_of("a: b").properties
    assert properties["title"] == "A model"
    assert properties["description"] == "Finds things."
    assert properties["keywords"] == ["Water"]
    assert [each["name"] for each in properties["providers"]] == ["lab", "gitlab.example.org"]
    assert "license" not in properties
    assert content_of("a: b", title="", description="").properties["title"] == "a-model"


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: 'A \\n  title'", "A \\n title"),
        ('title: "A\\n  B"', "A B"),
        ("title: 7", "7"),
        ("title: ''", "A model"),
    ],
)
def test_a_title_is_one_line(front: str, title: str) -> None:
    assert content_of(front).properties["title"] == title


def test_texts_are_bounded() -> None:
    content = content_of(f"title: {'t' * 300}\ndescription: {'d' * 9000}\nother: {'o' * 3000}")
    lengths = [len(content.properties[name]) for name in ("title", "description", "other")]
    assert lengths == [200, 5000, 2000]
    assert found(content) == [("text_too_long", name) for name in ("title", "description", "other")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It is <b>new</b> <script>x</script>", "It is new x"),
        ("1 < 2 <img src=x onerror=alert(1)", "1 < 2 < img src=x onerror=alert(1)"),
        ("[x](javascript:alert(1))", "[x] (javascript:alert(1))"),
        ("[x](java&#115;cript:alert(1))", "[x] (java&#115;cript:alert(1))"),
        ("[x][y]\n\n[y]: javascript:alert(1)", "[x][y]\n\n[y] : javascript:alert(1)"),
        (
            "See [x](https://example.org) or <https://example.org>",
            "See [x](https://example.org) or <https://example.org>",
        ),
        ("<<b>script>", "< script>"),
    ],
)
def test_a_description_carries_no_html(text: str, kept: str) -> None:
    assert content_of("a: b", description=text).properties["description"].replace("<script>", "") == kept


def test_without_a_description_the_readme_begins_it() -> None:
    body = "# Title\n\n![a picture](a.png)\n\nFinds *ships* in [pictures](b).\nFast.\n\nMore."
    assert content_of("a: b", body, description="").properties["description"] == "Finds ships in pictures. Fast."


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("CC0", "CC0-1.0"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("GPLv3", "GPL-3.0-only"),
        ("GNU General Public License v3.0", "GPL-3.0-only"),
        ("etalab-2.0", "etalab-2.0"),
        ("Mozilla Public License 2.0", "MPL-2.0"),
        ("my own", None),
        ("", None),
    ],
)
def test_licenses_are_by_their_identifiers(text: str, id: str | None) -> None:
    assert spdx(text) == id


def test_a_license_without_identifier_is_other() -> None:
    content = content_of("license: Our terms\nlicense-url: https://example.org/terms")
    assert content.properties["license"] == "other"
    assert {"rel": "license", "href": "https://example.org/terms", "type": "text/html"} in content.links
    assert found(content) == [("license_unknown", "license")]
    assert found(content_of("license: proprietary")) == []
    assert found(content_of("license: [MIT]")) == [("field_invalid", "license")]
    assert content_of("a: b", license="mit").properties["license"] == "MIT"


def test_topics_of_categories_are_no_keywords() -> None:
    tools = Category("tool", "Tools", "Tools.", frozenset({"our-tool"}))
    topics = ("sharinghub:aimodel", "SharingHub-Dataset", "our-tool", "Water", "water ", "Water")
    assert content_of("tags: [sea, 3]", category=tools, topics=topics).properties["keywords"] == [
        *("sea", "3", "Water", "water"),
    ]


def test_providers_are_checked_one_by_one() -> None:
    content = content_of(
        """providers:
  - {name: A, roles: [producer, owner], url: 'javascript:x'}
  - {roles: [host]}
  - B"""
    )
    assert content.properties["providers"] == [
        {"name": "A", "roles": ["producer"]},
        {"name": "B"},
        {"name": "gitlab.example.org", "roles": ["host"], "url": f"{HOME}/lab/a-model"},
    ]
    assert found(content) == [
        ("field_invalid", "providers.0.roles"),
        ("url_unsafe", "providers.0.url"),
        ("field_invalid", "providers.1"),
    ]


def test_further_fields_are_properties() -> None:
    content = content_of(
        """gsd: 10
platform: sentinel-2
instruments: [msi]
eo: {cloud_cover: 12.5, eo:snow_cover: 1}
label: {type: vector}
ours: {kept: [1, {as: it is}]}
empty:
eo:common_name: red
"""
    )
    properties = content.properties
    assert (properties["gsd"], properties["platform"], properties["instruments"]) == (10, "sentinel-2", ["msi"])
    assert (properties["eo:cloud_cover"], properties["eo:snow_cover"]) == (12.5, 1)
    assert properties["label:type"] == "vector"
    assert properties["ours"] == {"kept": [1, {"as": "it is"}]}
    assert "empty" not in properties
    assert content.extensions == [EXTENSION.format("eo", "v2.0.0")]
    assert found(content) == []


@pytest.mark.parametrize(
    ("front", "warning"),
    [
        ("gsd: ten", ("field_invalid", "gsd")),
        ("platform: [a]", ("field_invalid", "platform")),
        ("id: x", ("field_reserved", "id")),
        ("stac_version: 9", ("field_reserved", "stac_version")),
        ("created: soon", ("temporal_invalid", "created")),
        ("eo: {cloud_cover: 200}", ("extension_invalid", "eo:cloud_cover")),
        ("eo: {colour: 2}", ("extension_invalid", "eo:colour")),
        ("sci: {publications: none}", ("extension_invalid", "sci:publications")),
        ("bands: [{name: B1}]", ("field_invalid", "bands")),
        ("raster: {scale: x}", ("extension_invalid", "raster:scale")),
        ("-a: 1", ("field_invalid", "-a")),
        ("a b: 1", ("field_invalid", "a b")),
        ("sharinghub: {stars: 1000}", ("field_reserved", "sharinghub.stars")),
        ("sharinghub: {jupyter: [1]}", ("field_invalid", "sharinghub.jupyter")),
        ("sharinghub: jupyter", ("field_invalid", "sharinghub")),
        ("extensions: [eo]", ("field_invalid", "extensions")),
        ("extensions: {eo: x}", ("field_invalid", "extensions.eo")),
        ("extent: world", ("extent_invalid", "extent")),
        ("doi: 11/x", ("doi_invalid", "doi")),
        ("deprecated: perhaps", ("field_invalid", "deprecated")),
        ("version: [1]", ("field_invalid", "version")),
        ("publications: x", ("doi_invalid", "publications")),
        ("mlm: U-Net", ("field_invalid", "mlm")),
        ("extent: {spacial: [1, 2, 3, 4]}", ("extent_invalid", "extent")),
    ],
)
def test_a_wrong_field_costs_that_field_alone(front: str, warning: tuple[str, str]) -> None:
    content = content_of(front)
    assert content.properties == content_of("{}").properties
    assert found(content) == [warning]
    assert content.extensions == []


def test_there_is_an_end_to_warnings() -> None:
    content = content_of("\n".join(f"eo:x{n}: 1" for n in range(300)))
    assert len(content.warnings) == 100


def test_an_unknown_extension_keeps_its_fields_and_is_not_claimed() -> None:
    url = "https://example.org/wine/v1.0.0/schema.json"
    content = content_of(f"extensions: {{wine: '{url}'}}\nwine: {{grape: merlot}}")
    assert content.properties["wine:grape"] == "merlot"
    assert content.extensions == []
    assert found(content) == [("extension_unknown", "extensions.wine")]


def test_fields_that_make_no_whole_are_not_claimed() -> None:
    content = content_of("eo: {bands: [{name: B1}]}")
    assert content.properties["eo:bands"] == [{"name": "B1"}]
    assert content.extensions == []
    assert found(content) == [("extension_invalid", "eo")]


@pytest.mark.parametrize(
    ("entry", "link"),
    [
        ("{rel: about, href: 'https://example.org/a b'}", ("about", "https://example.org/a%20b")),
        ("'https://example.org/'", ("related", "https://example.org/")),
        ("{rel: contact, href: 'mailto:a@example.org'}", ("contact", "mailto:a@example.org")),
        ("{rel: example, href: './docs/a.md#top'}", ("example", "file:docs/a.md")),
        (f"{{rel: about, href: 'dataset+{HOME}/lab/data'}}", ("about", "project:dataset/lab/data")),
        ("{href: 'dataset+https://other.example.org/a/b'}", ("related", "https://other.example.org/a/b")),
    ],
)
def test_links_lead_elsewhere_to_files_and_to_projects(entry: str, link: tuple[str, str]) -> None:
    content = content_of(f"links: [{entry}]")
    assert link in [(each["rel"], each["href"]) for each in content.links]
    assert found(content) == []


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        ("{rel: self, href: 'https://example.org'}", ("field_reserved", "links.0.rel")),
        ("{rel: about, href: 'javascript:x'}", ("url_unsafe", "links.0.href")),
        ("{rel: about, href: 'data:text/html,x'}", ("url_unsafe", "links.0.href")),
        ("{rel: about, href: '//example.org'}", ("url_unsafe", "links.0.href")),
        ("{rel: about, href: 'project:dataset/a/b'}", ("url_unsafe", "links.0.href")),
        ("{rel: about, href: 'https://example.org/?access_token=x'}", ("url_unsafe", "links.0.href")),
        ("{rel: about}", ("url_unsafe", "links.0.href")),
        ("{rel: 'a b', href: 'https://example.org'}", ("link_invalid", "links.0")),
        ("5", ("link_invalid", "links.0")),
    ],
)
def test_what_is_no_link_is_left_out(entry: str, warning: tuple[str, str]) -> None:
    content = content_of(f"links: [{entry}]")
    assert content.links == content_of("a: b").links
    assert found(content) == [warning]


@pytest.mark.parametrize(
    ("value", "hrefs", "warned"),
    [
        (f"{HOME}/lab/data", ["project:dataset/lab/data"], 0),
        (f"{HOME}/lab/data.git", ["project:dataset/lab/data"], 0),
        (f"{HOME}/lab/sub/data/-/tree/main", ["project:dataset/lab/sub/data"], 0),
        ("lab/data", ["project:dataset/lab/data"], 0),
        (f"[lab/data, {HOME}/lab/more]", ["project:dataset/lab/data", "project:dataset/lab/more"], 0),
        ("https://other.example.org/a/b", ["https://other.example.org/a/b"], 0),
        ("alone", [], 1),
        ("../../a/b", [], 1),
        ("[1, null]", [], 2),
        ("javascript:alert(1)", [], 1),
    ],
)
def test_related_projects_are_derived_from(value: str, hrefs: list[str], warned: int) -> None:
    content = content_of(f"related: {{dataset: {value}}}")
    assert [each["href"] for each in content.links if each["rel"] == "derived_from"] == hrefs
    assert [code for code, _ in found(content)] == ["link_invalid"] * warned


def test_dois_come_from_the_block_the_fields_and_the_text() -> None:
    text = "[DOI: One.](https://doi.org/10.1234/one) [Two](http://dx.doi.org/10.1234/two) <https://doi.org/10.1234/one>"
    properties = content_of("a: b", text).properties
    assert (properties["sci:doi"], properties["sci:citation"]) == ("10.1234/one", "One.")
    assert properties["sci:publications"] == [{"doi": "10.1234/two", "citation": "Two"}]
    properties = content_of("sci: {doi: 10.1234/three, citation: Three.}", text).properties
    assert (properties["sci:doi"], properties["sci:citation"]) == ("10.1234/three", "Three.")
    assert [each["doi"] for each in properties["sci:publications"]] == ["10.1234/one", "10.1234/two"]
    older = "doi: {link: 'https://doi.org/10.1234/four', citation: Four}\npublications: [{link: 10.1234/five}]"
    properties = content_of(older).properties
    assert (properties["sci:doi"], properties["sci:citation"]) == ("10.1234/four", "Four")
    assert properties["sci:publications"] == [{"doi": "10.1234/five"}]


def test_a_readme_is_linted_by_itself() -> None:
    assert lint("# A model\n") == []
    assert lint("---\nassets: ['data/*.tif', '[ab].onnx']\n---\n") == []
    assert [(each.code, each.field) for each in lint("---\ngsd: x\nassets: [5]\n---\n")] == [
        ("asset_invalid", "assets.0"),
        ("field_invalid", "gsd"),
    ]
    block = "mlm: {architecture: x, tasks: [detection], input: [], output: []}"
    assert lint(f"---\n{block}\n---\n") == []
    assert lint(f"---\n{block}\nassets: ['weights/*.onnx']\n---\n") == []
    assert [each.code for each in lint(f"---\n{block}\nassets: ['*.txt']\n---\n")] == ["mlm_incomplete"]


def test_messages_name_the_value_and_what_would_be_right() -> None:
    (warning,) = lint("---\neo: {cloud_cover: 200}\n---\n")
    assert warning.message == "eo:cloud_cover is 200; it must be at most 100."
    (warning,) = lint("---\nlicense: our own\n---\n")
    assert "'our own'" in warning.message.replace('"', "'")
    assert "SPDX" in warning.message
