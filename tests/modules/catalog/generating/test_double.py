"""The projects of the double of GitLab, each as the item that is made of it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.entries import Description
from mainspring.modules.catalog.service.generating import generate
from tests.components.stac import EXTENSION, validate_item
from tests.modules.catalog.generating.descriptions import as_item, of_double

PROJECTS = of_double()
MLM = EXTENSION.format("mlm", "v1.5.2")


def item_of(path: str, category: str = "") -> dict[str, Any]:
    found = ((d, c) for d, c in PROJECTS if d.path.endswith(path) and (not category or c.id == category))
    description, kind = next(found)
    item = as_item(generate(description, kind), kind, description.slug)
    validate_item(item)
    return item


def warnings_of(path: str) -> list[str]:
    description, category = next((d, c) for d, c in PROJECTS if d.path.endswith(path))
    return [warning.code for warning in generate(description, category).warnings]


def test_the_double_has_what_is_tried_here() -> None:
    assert len(PROJECTS) == 9
    assert len({description.path for description, _ in PROJECTS}) == 8


@pytest.mark.parametrize(("description", "category"), PROJECTS, ids=[f"{d.slug}-{c.id}" for d, c in PROJECTS])
def test_every_item_keeps_stac_and_what_it_claims(description: Description, category: Category) -> None:
    content = generate(description, category)
    validate_item(as_item(content, category, description.slug))
    again = generate(description, category)
    etags = [hashlib.sha256(msgspec.json.encode(each)).hexdigest() for each in (content, again)]
    assert etags[0] == etags[1]
    if description.slug != "broken-metadata":
        assert content.warnings == []


def test_a_model_claims_mlm_and_its_file_is_the_model() -> None:
    item = item_of("flood-model")
    assert MLM in item["stac_extensions"]
    assert item["properties"]["mlm:tasks"] == ["semantic-segmentation"]
    models = {key: each for key, each in item["assets"].items() if "mlm:artifact_type" in each}
    assert list(models) == ["checkpoints/flood-unet.onnx"]
    model = models["checkpoints/flood-unet.onnx"]
    assert model["href"] == "file:checkpoints/flood-unet.onnx"
    assert model["type"] == "application/onnx"
    assert model["roles"] == ["data", "mlm:model", "mlm:weights"]
    assert model["title"] == "Weights checkpoints/flood-unet.onnx"
    assert model["file:size"] == 121
    assert model["file:checksum"].startswith("1220")
    assert len(model["file:checksum"]) == 4 + 64
    assert "mlm:model" not in item["assets"]["requirements.txt"]["roles"]


def test_dois_releases_preview_and_related_projects_are_in_it() -> None:
    item = item_of("flood-model")
    assert item["properties"]["sci:doi"] == "10.1234/double.flood.2024"
    assert [each["doi"] for each in item["properties"]["sci:publications"]] == ["10.1234/double.flood.2025"]
    assert item["properties"]["version"] == "v1.1.0"
    assert item["assets"]["release"]["href"] == "archive:v1.1.0"
    assert item["assets"]["release:v1.0.0"]["href"] == "archive:v1.0.0"
    assert item["assets"]["preview"]["href"] == "file:docs/flood.png"
    links = {(link["rel"], link["href"]) for link in item["links"]}
    assert ("derived_from", "project:dataset/eo-lab/sen1floods11-dataset") in links
    assert ("cite-as", "https://doi.org/10.1234/double.flood.2024") in links
    assert ("license", "https://spdx.org/licenses/Apache-2.0.html") in links


def test_a_data_set_has_its_place_time_and_files() -> None:
    item = item_of("sen1floods11-dataset")
    properties = item["properties"]
    assert item["bbox"] == [79.9, 25.9, 80.5, 26.3]
    assert (properties["datetime"], properties["start_datetime"]) == (None, "2016-08-12T00:00:00Z")
    assert properties["end_datetime"] == "2019-05-20T00:00:00Z"
    assert (properties["gsd"], properties["platform"], properties["eo:cloud_cover"]) == (10, "sentinel-1", 0)
    assert EXTENSION.format("eo", "v1.1.0") in item["stac_extensions"]
    assert properties["sharinghub:dvc-init"] == "enable"
    assert properties["title"] == "Sen1Floods11 (sample)"
    assert properties["description"].startswith("A two-scene cut")
    scenes = [each for key, each in item["assets"].items() if key.startswith("scene/data/")]
    assert {each["type"] for each in scenes} == {"image/tiff; application=geotiff; profile=cloud-optimized"}
    assert [each["href"] for each in item["links"] if each["rel"] == "about"] == [
        "project:dataset/ml-samples/wine-quality"
    ]


def test_a_project_of_two_categories_is_an_item_in_each() -> None:
    items = [item_of("wine-quality", category) for category in ("ai-model", "dataset")]
    assert [item["properties"]["sharinghub:category"] for item in items] == ["ai-model", "dataset"]
    assert [item["properties"]["keywords"] for item in items] == [["Tabular Classification"]] * 2
    assert items[0]["properties"]["sharinghub:jupyter"] == "enable"
    assert items[0]["properties"]["label:type"] == "vector"
    assert items[0]["geometry"] is None
    assert "bbox" not in items[0]


def test_wkt_and_a_readme_in_lower_case_are_read() -> None:
    item = item_of("ndwi-processor")
    assert item["bbox"] == [-10.0, 35.0, 30.0, 60.0]
    assert item["assets"]["app-package.cwl"]["type"] == "application/cwl"


def test_a_project_that_names_no_assets_shares_its_model() -> None:
    item = item_of("restricted-ship-detector")
    assert list(item["assets"]) == ["weights/ship.onnx"]
    assert MLM not in item["stac_extensions"]


def test_an_empty_repository_is_an_item() -> None:
    item = item_of("empty-model")
    assert item["assets"] == {}
    assert item["properties"]["datetime"] == "2025-03-03T00:00:00Z"


def test_an_archived_project_is_deprecated() -> None:
    item = item_of("attic-model")
    assert item["properties"]["deprecated"] is True
    assert EXTENSION.format("version", "v1.2.0") in item["stac_extensions"]


def test_broken_metadata_is_listed_with_warnings_and_nothing_hostile() -> None:
    assert set(warnings_of("broken-metadata")) == {"front_matter_invalid", "preview_unusable", "doi_invalid"}
    description, category = next((d, c) for d, c in PROJECTS if d.slug == "broken-metadata")
    content = generate(description, category)
    assert content.properties["title"] == "Broken metadata"
    assert "<script" not in content.readme
    assert "javascript:" not in content.readme
    assert not any(name.startswith("sci:") for name in content.properties)
    assert "never closed" not in " ".join(warning.message for warning in content.warnings)
