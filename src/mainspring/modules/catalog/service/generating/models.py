"""The model of a project: the mlm extension, 1.5.2, and the older ml-model, where the front matter asks for them.

Older versions of mlm are turned into this one: texts are written as it wants them, dimensions are called as their bands
are, and ``mlm:artifact_type`` stands at the assets with the role ``mlm:model`` and nowhere else. What is required and
missing is derived where that is possible; else the extension is not claimed, and its fields are kept.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from mainspring.modules.catalog.service.generating.checking import EXTENSIONS, keep_right, right_for, validator
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.media_types import MODELS, ending
from mainspring.modules.catalog.service.generating.reporting import shown
from mainspring.modules.catalog.service.generating.texts import one_line

MODEL_ROLE = "mlm:model"
_MLM = EXTENSIONS["mlm"][0]
_OF_ASSETS = ("mlm:artifact_type", "mlm:compile_method", "mlm:entrypoint")
_OF_ITEMS = ("mlm:name", "mlm:input", "mlm:output", "mlm:hyperparameters")

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]")
_NUMBERS = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?([-+][0-9A-Za-z.+-]{1,100})?")
_FRAMEWORKS = {
    **{name.lower(): name for name in ("PyTorch", "TensorFlow", "scikit-learn", "Hugging Face", "Keras", "ONNX")},
    **{name.lower(): name for name in ("rgee", "spatialRF", "JAX", "Flax", "MXNet", "Caffe", "PyMC", "Weka", "Paddle")},
    **{"torch": "PyTorch", "tf": "TensorFlow", "sklearn": "scikit-learn", "huggingface": "Hugging Face"},
    **{"transformers": "Hugging Face", "onnxruntime": "ONNX", "paddlepaddle": "Paddle"},
}
_TASKS = {
    **{"image-segmentation": "segmentation", "image-classification": "classification"},
    **{"tabular-classification": "classification", "tabular-regression": "regression"},
    **{"text-classification": "classification", "scene-segmentation": "semantic-segmentation"},
}
_ARTIFACTS = {
    ".onnx": "onnx",
    ".pt": "torch.save",
    ".pth": "torch.save",
    ".ckpt": "torch.save",
    ".pt2": "torch.export.save",
    ".keras": "tf.keras.Model.save",
    ".h5": "tf.keras.Model.save",
    ".pb": "tf.keras.Model.export",
    ".tflite": "tflite",
    ".pkl": "pickle.dump",
    ".pickle": "pickle.dump",
    ".joblib": "joblib.dump",
    ".skops": "skops.io.dump",
    ".gguf": "gguf",
    ".ubj": "xgboost.Booster.save_model",
    ".cbm": "catboost.CatBoost.save_model",
}
_SAFETENSORS = {"TensorFlow": "tensorflow", "Keras": "tensorflow", "JAX": "flax", "Flax": "flax", "Paddle": "paddle"}


def add_mlm(draft: Draft) -> None:
    """Make the fields of mlm those of version 1.5.2, at the item and at its assets."""
    fields = draft.properties
    moved = {name: fields.pop(name) for name in _OF_ASSETS if name in fields}
    if not moved and not any(name.startswith("mlm:") for name in fields):
        _without_mlm(draft)
        return
    _rewrite(draft)
    models = _model_assets(draft)
    for asset in models:
        _complete_model(asset, moved, draft)
    programs = (asset for asset in draft.assets.values() if "code" in asset.get("roles", ()))
    if isinstance(entrypoint := moved.get("mlm:entrypoint"), str) and (program := next(programs, None)) is not None:
        program.setdefault("mlm:entrypoint", entrypoint)
    _complete(draft)
    missing = [name for name in ("mlm:name", "mlm:architecture", "mlm:tasks") if name not in fields]
    if missing or not models:
        lacking = ", ".join(missing) or "an asset that is the model: a file of a known kind, or one with role mlm:model"
        message = f"The mlm extension is not claimed: it must have {lacking}."
        draft.report.warn("mlm_incomplete", "mlm", message)
        draft.unclaimed.add("mlm")
        _without_mlm(draft)


def _without_mlm(draft: Draft) -> None:
    """Take the marks of a model from assets, which mean nothing without the extension."""
    for asset in draft.assets.values():
        for name in [name for name in asset if name.startswith("mlm:")]:
            del asset[name]


def _rewrite(draft: Draft) -> None:
    fields, report = draft.properties, draft.report
    for name, change in (
        ("mlm:name", _name),
        ("mlm:framework", _framework),
        ("mlm:framework_version", _version),
        ("mlm:tasks", _tasks),
    ):
        if name in fields:
            before = fields[name]
            fields[name] = change(before)
            if fields[name] != before and before != [] and name != "mlm:tasks":
                message = f"{name} is {shown(before)}, which mlm does not allow; {shown(fields[name])} was put."
                report.warn("mlm_changed", name, message)
    if isinstance(tasks := fields.get("mlm:tasks"), list):
        fields["mlm:tasks"] = [each for each in tasks if each in _tasks_known()]
        if unknown := [each for each in tasks if each not in _tasks_known()]:
            right = f"each must be one of {', '.join(_tasks_known())}"
            report.warn("extension_invalid", "mlm:tasks", f"mlm:tasks has {shown(unknown)}; {right}.")
        if tasks and not fields["mlm:tasks"]:
            del fields["mlm:tasks"]
    if isinstance(fields.get("mlm:accelerator"), str):
        fields["mlm:accelerator"] = fields["mlm:accelerator"].lower()
    for name, inner in (("mlm:input", "input"), ("mlm:output", "result")):
        if name in fields:
            fields[name] = _structures(fields[name], name, inner, draft)
    keep_right(fields, "", report)


def _name(value: object) -> object:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return value
    text = str(value)
    if _NAME.fullmatch(text):
        return text
    ascii = unicodedata.normalize("NFKD", text[:400]).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-zA-Z0-9_.\-\s]+", "-", ascii).strip("-_. \t\n")
    plain = " ".join(plain.split())[:200].rstrip("-_. ")
    if not plain[:1].isalpha():
        plain = f"model {plain}".strip()
    return plain if _NAME.fullmatch(plain) else "model"


def _framework(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value, 100).strip("._- ")
    return _FRAMEWORKS.get(text.lower(), text)


def _version(value: object) -> object:
    match = _NUMBERS.fullmatch(str(value).strip()) if isinstance(value, str | int | float) else None
    if match is None:
        return value
    return ".".join(str(int(part or 0)) for part in match.groups()[:3]) + (match[4] or "")


def _tasks(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        return value
    plain = (
        re.sub(r"[\s_]+", "-", each[:100].strip().lower()) if isinstance(each, str) else each for each in names[:50]
    )
    found = [_TASKS.get(each, each) if isinstance(each, str) else each for each in plain]
    return [each for place, each in enumerate(found) if each not in found[:place]]


def _structures(value: object, name: str, inner: str, draft: Draft) -> object:
    """Return the inputs or outputs that keep the extension; those that do not are left out, each with a warning."""
    entries = [value] if isinstance(value, dict) else value
    if not isinstance(entries, list):
        return value
    check = validator(_MLM.url, "$defs", name, "items")
    found = []
    for place, entry in enumerate(entries[:100]):
        changed = _structure(entry, inner) if isinstance(entry, dict) else entry
        errors = sorted(check.iter_errors(changed), key=lambda error: list(map(str, error.absolute_path)))
        if errors:
            field = f"{name}.{place}"
            draft.report.warn("extension_invalid", field, f"{field} is left out; {right_for(errors[0])}.")
        else:
            found.append(changed)
    return found


def _structure(entry: dict[str, Any], inner: str) -> dict[str, Any]:
    changed = dict(entry)
    if inner == "result" and "tasks" in changed:
        tasks = _tasks(changed["tasks"])
        changed["tasks"] = [each for each in tasks if each in _tasks_known()] if isinstance(tasks, list) else tasks
    # Variables need the datacube extension, which cannot be checked here.
    changed.pop("variables", None)
    shape = changed.get(inner)
    order = shape.get("dim_order") if isinstance(shape, dict) else None
    if isinstance(shape, dict) and isinstance(order, list):
        named = {True: "bands", False: "channel"}[bool(changed.get("bands"))]
        other = "channel" if named == "bands" else "bands"
        if named == "channel" or "bands" not in order:
            order = [named if each == other else each for each in order]
        changed[inner] = {**shape, "dim_order": order}
    return changed


def _model_assets(draft: Draft) -> list[dict[str, Any]]:
    """Return the assets that are the model: those said to be, else the first of a kind that models are kept in."""
    said = [
        asset for asset in draft.assets.values() if MODEL_ROLE in asset.get("roles", ()) or "mlm:artifact_type" in asset
    ]
    if said:
        return said
    files = ((ending(asset["href"], MODELS), asset) for asset in draft.assets.values())
    kept = [(list(MODELS).index(end), asset) for end, asset in files if end is not None]
    return [min(kept, key=lambda pair: pair[0])[1]] if kept else []


def _complete_model(asset: dict[str, Any], moved: dict[str, Any], draft: Draft) -> None:
    roles = asset.setdefault("roles", [])
    if MODEL_ROLE not in roles:
        roles.append(MODEL_ROLE)
    given = moved.get("mlm:artifact_type")
    if not isinstance(asset.get("mlm:artifact_type"), str):
        framework = draft.properties.get("mlm:framework")
        asset["mlm:artifact_type"] = one_line(given, 100) if isinstance(given, str) else artifact_type(asset, framework)
    if isinstance(method := moved.get("mlm:compile_method"), str) and method:
        asset.setdefault("mlm:compile_method", method)


def artifact_type(asset: dict[str, Any], framework: object) -> str:
    """Return how a model was saved, by its file's name and its framework."""
    end = ending(asset["href"], MODELS)
    if end == ".safetensors":
        return f"safetensors.{_SAFETENSORS.get(str(framework), 'torch')}.save_file"
    if end in {".h5", ".keras"} and asset["href"].lower().endswith((".weights.h5", ".weights.keras")):
        return "tf.keras.Model.save_weights"
    if end is not None:
        return _ARTIFACTS[end]
    return one_line(str(framework).lower().replace(" ", "-"), 100) if framework else "other"


def _complete(draft: Draft) -> None:
    """Put what can be derived for what is required and missing, and take from assets what only items may have."""
    fields = draft.properties
    fields.setdefault("mlm:name", _name(fields["title"]))
    if "mlm:tasks" not in fields:
        tasks = [each for output in fields.get("mlm:output", ()) for each in output["tasks"]]
        topics = _tasks([*tasks, *fields.get("keywords", ())])
        if found := [each for each in (topics if isinstance(topics, list) else ()) if each in _tasks_known()]:
            fields["mlm:tasks"] = found
    for name in ("mlm:input", "mlm:output"):
        if name not in fields:
            message = f"{name} is missing, and an empty list was put; it must tell shape, dim_order and data_type."
            draft.report.warn("mlm_incomplete", name, message)
            fields[name] = []
    for asset in draft.assets.values():
        code = "code" in asset.get("roles", ())
        unfit = [*_OF_ITEMS, *([] if code else ["mlm:entrypoint"])]
        for name in unfit:
            asset.pop(name, None)
    _describe_bands(draft)


@cache
def _tasks_known() -> tuple[str, ...]:
    schema = validator(_MLM.url).schema
    return tuple(schema["$defs"]["mlm:tasks"]["items"]["enum"]) if isinstance(schema, dict) else ()


def _describe_bands(draft: Draft) -> None:
    """Describe the bands that inputs and outputs name by STAC's own ``bands``, where nothing else does."""
    fields = draft.properties
    entries = [*fields["mlm:input"], *fields["mlm:output"]]
    bands = (band for entry in entries for band in entry.get("bands", ()))
    names = list(dict.fromkeys(band if isinstance(band, str) else band["name"] for band in bands))
    models = [asset for asset in draft.assets.values() if MODEL_ROLE in asset.get("roles", ())]
    if not names or "bands" in fields or any("eo:bands" in each or "raster:bands" in each for each in models):
        return
    fields["bands"] = [{"name": name} for name in names]
    for asset in models[:1]:
        asset.setdefault("bands", [{"name": name} for name in names])


def add_ml_model(front: dict[str, Any], draft: Draft) -> None:
    """Make the fields of ml-model, which its block ``ml-model``, or ``ml`` of older READMEs, gives."""
    fields = draft.properties
    older = front.pop("ml", None)
    for name in ("learning_approach", "prediction_type", "architecture"):
        value = (older.get(name.replace("_", "-")) or older.get(name)) if isinstance(older, dict) else None
        if isinstance(value, str) and value:
            fields.setdefault(f"ml-model:{name}", one_line(value, 200))
    if not any(name.startswith("ml-model:") for name in fields):
        return
    fields.setdefault("ml-model:type", "ml-model")
    wanted = ("ml-model:learning_approach", "ml-model:prediction_type", "ml-model:architecture")
    if missing := [name for name in wanted if name not in fields]:
        message = f"The ml-model extension is not claimed: it must have {', '.join(missing)}."
        draft.report.warn("mlm_incomplete", "ml-model", message)
        draft.unclaimed.add("ml-model")
        return
    for asset in draft.assets.values():
        if ending(asset["href"], MODELS) and not any(role.startswith("ml-model:") for role in asset.get("roles", ())):
            asset.setdefault("roles", []).append("ml-model:checkpoint")
