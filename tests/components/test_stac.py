"""The validation of STAC objects finds what is wrong, offline."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.components.stac import EXTENSION, InvalidSTAC, validate_catalog, validate_collection, validate_item

ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "stac_extensions": [EXTENSION.format("eo", "v1.1.0"), EXTENSION.format("mlm", "v1.5.2")],
    "id": "a",
    "geometry": None,
    "properties": {
        "datetime": "2024-01-01T00:00:00Z",
        "eo:cloud_cover": 3,
        "mlm:name": "a net",
        "mlm:architecture": "U-Net",
        "mlm:tasks": ["segmentation"],
        "mlm:input": [],
        "mlm:output": [],
    },
    "links": [],
    "assets": {
        "model": {
            "href": "https://example.org/a.onnx",
            "roles": ["mlm:model"],
            "type": "application/onnx",
            "mlm:artifact_type": "onnx",
        }
    },
}


def test_a_valid_item_passes() -> None:
    validate_item(ITEM)


@pytest.mark.parametrize(
    ("where", "value", "why"),
    [
        (("properties", "datetime"), "2024-13-01T00:00:00Z", "datetime"),
        (("properties", "datetime"), None, "datetime: None"),
        (("properties", "eo:cloud_cover"), 101, "101"),
        (("assets", "model", "mlm:artifact_type"), None, "artifact_type"),
        (("stac_extensions",), [EXTENSION.format("unknown", "v1.0.0")], "no schema"),
        (("geometry",), {"type": "Point", "coordinates": [0]}, "geometry"),
    ],
    ids=["no time", "no range", "cloud cover", "artifact type", "unknown extension", "geometry"],
)
def test_what_is_wrong_is_found(where: tuple[str, ...], value: object, why: str) -> None:
    item = copy.deepcopy(ITEM)
    inner = item
    for part in where[:-1]:
        inner = inner[part]
    inner[where[-1]] = value
    with pytest.raises(InvalidSTAC, match=why):
        validate_item(item)


def test_collections_and_catalogs_are_validated() -> None:
    catalog = {"type": "Catalog", "stac_version": "1.1.0", "id": "c", "description": "All.", "links": []}
    validate_catalog(catalog)
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    validate_collection({**catalog, "type": "Collection", "license": "other", "extent": extent})
    with pytest.raises(InvalidSTAC, match="license"):
        validate_collection({**catalog, "type": "Collection", "extent": extent})
