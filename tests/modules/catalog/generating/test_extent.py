"""Where and when an item is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mainspring.modules.catalog.service.generating import generate
from tests.components.stac import validate_item
from tests.modules.catalog.generating.descriptions import MODEL, as_item, described


def item(front: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    content = generate(described(f"---\n{front}\n---\n"), MODEL)
    made = as_item(content)
    validate_item(made)
    return made, [(warning.code, warning.field) for warning in content.warnings]


@pytest.mark.parametrize(
    ("spatial", "bbox", "kind"),
    [
        ("[1, 2, 3, 4]", [1, 2, 3, 4], "Polygon"),
        ("[[1, 2, 3, 4]]", [1, 2, 3, 4], "Polygon"),
        ("['1', 2.5, 3, 4]", [1, 2.5, 3, 4], "Polygon"),
        ("'1, 2, 3, 4'", [1, 2, 3, 4], "Polygon"),
        ("[1, 2, 0, 3, 4, 100]", [1, 2, 3, 4], "Polygon"),
        ("{bbox: [[1, 2, 3, 4]]}", [1, 2, 3, 4], "Polygon"),
        ("[1, 2, 1, 2]", [1, 2, 1, 2], "Point"),
        ("[1, 2, 3, 2]", [1, 2, 3, 2], "LineString"),
        ("[170, -10, -170, 10]", [170, -10, -170, 10], "MultiPolygon"),
        ("POINT (1 2)", [1, 2, 1, 2], "Point"),
        ("SRID=4326;POINT Z (1 2 3)", [1, 2, 1, 2], "Point"),
        ("POLYGON ((0 0, 0 2, 2 2, 2 0, 0 0))", [0, 0, 2, 2], "Polygon"),
        ("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))", [0, 0, 2, 2], "MultiPolygon"),
        ("{type: Point, coordinates: [1, 2]}", [1, 2, 1, 2], "Point"),
        ("{type: Feature, geometry: {type: Point, coordinates: [1, 2]}}", [1, 2, 1, 2], "Point"),
    ],
)
def test_places_are_read(spatial: str, bbox: list[float], kind: str) -> None:
    made, warnings = item(f"extent:\n  spatial: {spatial}")
    assert (made["bbox"], made["geometry"]["type"], warnings) == (bbox, kind, [])


def test_polygons_are_counter_clockwise() -> None:
    ring = item("extent: {spatial: 'POLYGON ((0 0, 0 2, 2 2, 2 0, 0 0))'}")[0]["geometry"]["coordinates"][0]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    assert area > 0


def test_corners_the_wrong_way_round_are_put_right() -> None:
    made, warnings = item("extent: {spatial: [-66.59, 18.02, -66.64, 17.98]}")
    assert made["bbox"] == [-66.64, 17.98, -66.59, 18.02]
    assert warnings == [("extent_reordered", "extent.spatial")]


@pytest.mark.parametrize(
    "spatial",
    [
        *("[1, 2, 3]", "[1, 2, 3, x]", "[500, 1, 2, 3]", "[1, 91, 2, 92]", "[true, 1, 2, 3]", "everywhere", "5"),
        *("POINT (1 200)", "POINT (nan 1)", "POLYGON ((0 0, 1 1))", "GEOMETRYCOLLECTION (POINT (1 2))", "POINT EMPTY"),
        *("CIRCULARSTRING (0 0, 1 1, 2 0)", "{type: Point}", "{type: Sphere, coordinates: [1]}", "{a: b}", "[]"),
        *("{type: Polygon, coordinates: [[[0, 0]]]}", "{type: Point, coordinates: [[[[1]]]]}", "'1,2,3,4,5'"),
    ],
)
def test_what_is_no_place_is_left_out(spatial: str) -> None:
    made, warnings = item(f"extent:\n  spatial: {spatial}")
    assert made["geometry"] is None
    assert "bbox" not in made
    assert warnings == [("extent_invalid", "extent.spatial")]


CREATED, UPDATED = "2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z"


@pytest.mark.parametrize(
    ("front", "times"),
    [
        ("a: b", (UPDATED, CREATED, UPDATED)),
        ("extent: {temporal: ['2020-01-02T03:04:05Z', '2021-01-01T00:00:00+02:00']}", None),
        ("extent: {temporal: [2020-01-01, 2020-01-31]}", (None, "2020-01-01T00:00:00Z", "2020-01-31T23:59:59Z")),
        ("extent: {temporal: [2020, 2020]}", (None, "2020-01-01T00:00:00Z", "2020-12-31T23:59:59Z")),
        ("extent: {temporal: [2020-02, 2020-02]}", (None, "2020-02-01T00:00:00Z", "2020-02-29T23:59:59Z")),
        ("extent: {temporal: [[2020-01-01, 2020-01-31]]}", (None, "2020-01-01T00:00:00Z", "2020-01-31T23:59:59Z")),
        ("extent: {temporal: 2020-01-01/2020-01-31}", (None, "2020-01-01T00:00:00Z", "2020-01-31T23:59:59Z")),
        ("extent: {temporal: 2020-01-01}", ("2020-01-01T00:00:00Z", None, None)),
        ("extent: {temporal: [2020-01-01 10:00, 2020-01-01T10:00:00.0]}", ("2020-01-01T10:00:00Z", None, None)),
        ("datetime: 2020-01-01T10:00:00.250Z", ("2020-01-01T10:00:00.250Z", None, None)),
        ("{start_datetime: 2020, end_datetime: 2020-01-02}", (None, "2020-01-01T00:00:00Z", "2020-01-02T23:59:59Z")),
    ],
    ids=range(11),
)
def test_times_are_read(front: str, times: tuple[str | None, str | None, str | None] | None) -> None:
    made, warnings = item(front)
    found = made["properties"]
    wanted = times or (None, "2020-01-02T03:04:05Z", "2020-12-31T22:00:00Z")
    assert (found["datetime"], found.get("start_datetime"), found.get("end_datetime")) == wanted
    assert warnings == []
    assert (found["created"], found["updated"]) == (CREATED, UPDATED)


@pytest.mark.parametrize(
    ("temporal", "start", "end"),
    [
        ("[2020-01-01, null]", "2020-01-01T00:00:00Z", UPDATED),
        ("[2030-01-01, null]", None, None),
        ("[null, 2024-03-01]", CREATED, "2024-03-01T23:59:59Z"),
        ("['..', 2020-03-01]", None, None),
    ],
)
def test_open_ends_are_the_projects(temporal: str, start: str | None, end: str | None) -> None:
    made, warnings = item(f"extent: {{temporal: {temporal}}}")
    assert (made["properties"].get("start_datetime"), made["properties"].get("end_datetime")) == (start, end)
    assert warnings == [("temporal_open", "extent.temporal")]


@pytest.mark.parametrize("temporal", ["soon", "[soon, later]", "[2020-13-01, 2020-01-01]", "[2021, 2020]", "[1, 2, 3]"])
def test_what_is_no_time_is_left_out(temporal: str) -> None:
    made, warnings = item(f"extent: {{temporal: {temporal}}}")
    assert {code for code, _ in warnings} <= {"temporal_invalid", "temporal_open"}
    assert warnings
    assert made["properties"]["datetime"] is not None or made["properties"]["start_datetime"]
