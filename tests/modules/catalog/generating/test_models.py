"""The mlm and ml-model extensions: what they are made of, and when they are not claimed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mainspring.engines.sources import TreeEntry
from mainspring.modules.catalog.service.generating import generate
from tests.components.stac import EXTENSION, validate_item
from tests.modules.catalog.generating.descriptions import MODEL, as_item, described

MLM = EXTENSION.format("mlm", "v1.5.2")
ML_MODEL = EXTENSION.format("ml-model", "v1.0.0")
NET = TreeEntry("net.onnx", 10)


def structure(kind: str, dimensions: list[str], **more: Any) -> dict[str, Any]:
    inner = {"shape": [-1] * len(dimensions), "dim_order": dimensions, "data_type": "float32"}
    return {"name": "x", kind: inner, **more}


INPUT = structure("input", ["batch", "height", "width"])
OUTPUT = structure("result", ["batch", "class"], tasks=["classification"])


def model(
    files: tuple[TreeEntry, ...] = (NET,), front: dict[str, Any] | None = None, **mlm: Any
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    block = {"architecture": "U-Net", "tasks": ["classification"], "input": [INPUT], "output": [OUTPUT], **mlm}
    block = {name: value for name, value in block.items() if value is not None}
    text = yaml.safe_dump({"mlm": block, **(front or {})})
    content = generate(described(f"---\n{text}---\n", files), MODEL)
    item = as_item(content)
    validate_item(item)
    return item, [(warning.code, warning.field) for warning in content.warnings]


def models_of(item: dict[str, Any]) -> dict[str, str]:
    return {key: asset["mlm:artifact_type"] for key, asset in item["assets"].items() if "mlm:artifact_type" in asset}


def test_what_is_missing_and_known_is_put() -> None:
    item, warnings = model()
    assert MLM in item["stac_extensions"]
    assert item["properties"]["mlm:name"] == "A model"
    assert models_of(item) == {"net.onnx": "onnx"}
    assert item["assets"]["net.onnx"]["roles"] == ["data", "mlm:model"]
    assert warnings == []


def test_older_versions_become_ours() -> None:
    older = {"mlm": "https://stac-extensions.github.io/mlm/v1.3.0/schema.json"}
    item, warnings = model(front={"extensions": older})
    assert [url for url in item["stac_extensions"] if "/mlm/" in url] == [MLM]
    assert warnings == []


@pytest.mark.parametrize(
    ("field", "given", "put"),
    [
        ("name", "Modèle d'eau!", "Modele d-eau"),
        ("name", "7", "model 7"),
        ("name", "水", "model"),
        ("framework", "pytorch", "PyTorch"),
        ("framework", "sklearn", "scikit-learn"),
        ("framework_version", "1.17", "1.17.0"),
        ("framework_version", 2, "2.0.0"),
        ("framework_version", "v1.02.3", "1.2.3"),
        ("framework_version", "2.1.0-rc1", "2.1.0-rc1"),
        ("tasks", "Semantic Segmentation", ["semantic-segmentation"]),
        ("tasks", ["image_classification", "classification"], ["classification"]),
        ("accelerator", "CUDA", "cuda"),
        ("accelerator", None, None),
    ],
)
def test_values_are_written_as_mlm_wants_them(field: str, given: object, put: object) -> None:
    item, warnings = model(**{field: given})
    assert MLM in item["stac_extensions"]
    assert item["properties"].get(f"mlm:{field}") == put
    assert {code for code, _ in warnings} <= {"mlm_changed"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("framework_version", "latest"),
        ("total_parameters", "many"),
        ("accelerator", "abacus"),
        ("pretrained", "maybe"),
        ("hyperparameters", {"a b": 1}),
        ("colour", "red"),
        ("batch_size_suggestion", -1),
    ],
)
def test_a_wrong_field_costs_that_field_alone(field: str, value: object) -> None:
    item, warnings = model(**{field: value})
    assert MLM in item["stac_extensions"]
    assert f"mlm:{field}" not in item["properties"]
    assert warnings == [("extension_invalid", f"mlm:{field}")]


def test_unknown_tasks_are_left_out_by_themselves() -> None:
    item, warnings = model(tasks=["classification", "flying"])
    assert item["properties"]["mlm:tasks"] == ["classification"]
    assert warnings == [("extension_invalid", "mlm:tasks")]


def test_a_wrong_input_costs_that_input_alone() -> None:
    item, warnings = model(input=[INPUT, {"name": "no shape"}])
    assert item["properties"]["mlm:input"] == [INPUT]
    assert warnings == [("extension_invalid", "mlm:input.1")]


@pytest.mark.parametrize("field", ["input", "output"])
def test_missing_inputs_are_an_empty_list(field: str) -> None:
    item, warnings = model(**{field: None})
    assert MLM in item["stac_extensions"]
    assert item["properties"][f"mlm:{field}"] == []
    assert warnings == [("mlm_incomplete", f"mlm:{field}")]


def test_tasks_come_from_outputs_and_topics() -> None:
    item, _ = model(tasks=None)
    assert item["properties"]["mlm:tasks"] == ["classification"]
    item, _ = model(tasks=None, output=None, front={"keywords": ["Object Detection"]})
    assert item["properties"]["mlm:tasks"] == ["object-detection"]


@pytest.mark.parametrize("field", ["architecture", "tasks"])
def test_without_what_is_required_nothing_is_claimed(field: str) -> None:
    item, warnings = model(**{field: None}, output=[])
    assert MLM not in item["stac_extensions"]
    assert models_of(item) == {}
    assert ("mlm_incomplete", "mlm") in warnings
    assert item["properties"]["mlm:input"] == [INPUT]


def test_without_a_model_nothing_is_claimed() -> None:
    item, warnings = model(files=(TreeEntry("a.txt"),), front={"assets": ["*.txt"]})
    assert MLM not in item["stac_extensions"]
    assert warnings == [("mlm_incomplete", "mlm")]


@pytest.mark.parametrize(
    ("path", "framework", "kind"),
    [
        ("a.onnx", None, "onnx"),
        ("a.pt", "PyTorch", "torch.save"),
        ("a.pt2", "PyTorch", "torch.export.save"),
        ("a.safetensors", None, "safetensors.torch.save_file"),
        ("a.safetensors", "TensorFlow", "safetensors.tensorflow.save_file"),
        ("a.keras", "Keras", "tf.keras.Model.save"),
        ("a.weights.h5", "Keras", "tf.keras.Model.save_weights"),
        ("a.joblib", "scikit-learn", "joblib.dump"),
        ("a.skops", "scikit-learn", "skops.io.dump"),
    ],
)
def test_how_a_model_was_saved_is_seen_by_its_name(path: str, framework: str | None, kind: str) -> None:
    item, _ = model(files=(TreeEntry(path),), framework=framework)
    assert models_of(item) == {path: kind}


def test_the_one_that_is_said_to_be_the_model_is_it() -> None:
    files = (TreeEntry("a.onnx"), TreeEntry("b.bin"), TreeEntry("c.csv"))
    assets = ["*.onnx", {"glob": "b.bin", "roles": ["mlm:model"]}, "*.csv"]
    item, _ = model(files=files, front={"assets": assets}, framework="My Framework")
    assert models_of(item) == {"b.bin": "my-framework"}
    item, _ = model(files=files, front={"assets": assets}, artifact_type="special")
    assert models_of(item) == {"b.bin": "special"}
    assert "mlm:artifact_type" not in item["properties"]
    said = {"glob": "b.bin", "mlm": {"artifact_type": "said"}}
    item, _ = model(files=files, front={"assets": ["*.onnx", said]})
    assert models_of(item) == {"b.bin": "said"}
    assert item["assets"]["b.bin"]["roles"] == ["data", "mlm:model"]


def test_without_the_extension_no_asset_has_its_fields() -> None:
    content = generate(described("---\nassets: [{glob: '*', mlm:artifact_type: onnx}]\n---\n", (NET,)), MODEL)
    item = as_item(content)
    validate_item(item)
    assert models_of(item) == {}


def test_an_entrypoint_stands_at_the_program() -> None:
    files = (NET, TreeEntry("run.py"))
    assets = ["*.onnx", {"glob": "run.py", "roles": ["code"]}]
    item, _ = model(files=files, front={"assets": assets}, entrypoint="run:main")
    assert item["assets"]["run.py"]["mlm:entrypoint"] == "run:main"
    item, _ = model(front={"assets": [{"glob": "*.onnx", "mlm:entrypoint": "run:main"}]})
    assert "mlm:entrypoint" not in item["assets"]["net.onnx"]


def test_bands_are_described_and_their_dimension_is_called_bands() -> None:
    bands = structure("input", ["batch", "channel", "height"], bands=["B02", {"name": "B03"}])
    item, warnings = model(input=[bands])
    assert MLM in item["stac_extensions"]
    assert item["properties"]["mlm:input"][0]["input"]["dim_order"] == ["batch", "bands", "height"]
    assert item["properties"]["bands"] == item["assets"]["net.onnx"]["bands"] == [{"name": "B02"}, {"name": "B03"}]
    assert warnings == []
    item, _ = model(input=[structure("input", ["batch", "bands"], bands=[])])
    assert item["properties"]["mlm:input"][0]["input"]["dim_order"] == ["batch", "channel"]


def test_bands_of_the_older_extensions_are_left_as_they_are() -> None:
    bands = structure("input", ["batch", "bands"], bands=["B02"])
    assets = [{"glob": "*.onnx", "eo:bands": [{"name": "B02", "common_name": "blue"}]}]
    item, warnings = model(input=[bands], front={"assets": assets})
    assert {MLM, EXTENSION.format("eo", "v1.1.0")} <= set(item["stac_extensions"])
    assert "bands" not in item["properties"]
    assert warnings == []


ML = {"learning_approach": "supervised", "prediction_type": "segmentation", "architecture": "U-Net"}


def ml_model(front: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    content = generate(described(f"---\n{yaml.safe_dump(front)}---\n", (NET,)), MODEL)
    item = as_item(content)
    validate_item(item)
    return item, [(warning.code, warning.field) for warning in content.warnings]


@pytest.mark.parametrize("front", [{"ml-model": ML}, {"ml": {"learning-approach": "supervised", **ML}}])
def test_the_older_extension_is_claimed_where_it_is_asked_for(front: dict[str, Any]) -> None:
    item, warnings = ml_model(front)
    assert item["properties"]["ml-model:type"] == "ml-model"
    assert ML_MODEL in item["stac_extensions"]
    assert MLM not in item["stac_extensions"]
    assert "ml-model:checkpoint" in item["assets"]["net.onnx"]["roles"]
    assert warnings == []


def test_the_older_extension_needs_its_fields() -> None:
    item, warnings = ml_model({"ml-model": {"architecture": "U-Net", "training-os": "linux"}})
    assert ML_MODEL not in item["stac_extensions"]
    assert item["properties"]["ml-model:training-os"] == "linux"
    assert warnings == [("mlm_incomplete", "ml-model")]
