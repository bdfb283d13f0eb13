"""The ``MLmodel`` file: how a folder of artifacts says what model it holds, and how it may be loaded.

Format: https://mlflow.org/docs/latest/ml/model/ (storage format).
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from mainspring.kit.errors import FailedPrecondition, Unsupported
from model_management.server import check_path
from model_management.storage import Payload

FILE_NAME = "MLmodel"
SIZE_LIMIT = 1 << 20
OWN_FLAVOR = "model_management"

Flavor = dict[str, Any]


def written(payload: Payload, file_name: str, model_id: str, artifact_uri: str) -> bytes:
    """Describe a model that is stored as ``file_name``, so that mlflow loads it where it has a flavor for it.

    JSON is YAML, so the file needs no YAML writer.
    """
    own = {"format": payload.format, "data": file_name, "sha256": payload.sha256}
    described = {
        "artifact_path": artifact_uri,
        "flavors": {**_flavors_for_mlflow(payload.format, file_name), OWN_FLAVOR: own},
        "model_id": model_id,
        "model_size_bytes": payload.size,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    return json.dumps(described, indent=2).encode()


def _flavors_for_mlflow(format: str, file_name: str) -> dict[str, Flavor]:
    python = {"python_version": platform.python_version()}
    if format == "skops":
        sklearn = {
            "pickled_model": file_name,
            "serialization_format": "skops",
            "sklearn_version": importlib.metadata.version("scikit-learn"),
        }
        loader = {"loader_module": "mlflow.sklearn", "model_path": file_name, "predict_fn": "predict", **python}
        return {"sklearn": sklearn, "python_function": loader}
    if format == "onnx":
        onnx = {
            "data": file_name,
            "onnx_version": importlib.metadata.version("onnx"),
            "providers": ["CPUExecutionProvider"],
        }
        return {"onnx": onnx, "python_function": {"loader_module": "mlflow.onnx", "data": file_name, **python}}
    return {}


def model_file(text: bytes) -> tuple[str, str]:
    """Return the format and the file name of the model that an MLmodel describes.

    A list of trusted types that the file itself brings is not read: it is no more trusted than the
    model. Raises Unsupported where none of its flavors is a single file of a format that we load.
    """
    flavors = _flavors_of(text)
    for name, read in _READERS.items():
        if name in flavors:
            format, path = read(flavors[name])
            check_path(path)
            return format, path
    raise Unsupported(
        f"This model has the flavors {', '.join(sorted(flavors)) or 'none'}: only {', '.join(_READERS)} are read here. "
        "Load it with mlflow.pyfunc.load_model('models:/<name>/<version>')."
    )


class _MLmodel(msgspec.Struct):
    flavors: dict[str, Flavor]


def _flavors_of(text: bytes) -> dict[str, Flavor]:
    try:
        return msgspec.yaml.decode(text, type=_MLmodel).flavors
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise FailedPrecondition(f"The model's {FILE_NAME} file names no flavors: {error}.") from error


def _own(flavor: Flavor) -> tuple[str, str]:
    return str(flavor.get("format")), str(flavor.get("data"))


def _sklearn(flavor: Flavor) -> tuple[str, str]:
    written_as = flavor.get("serialization_format", "pickle")
    return "skops" if written_as == "skops" else "pickle", str(flavor.get("pickled_model"))


def _onnx(flavor: Flavor) -> tuple[str, str]:
    return "onnx", str(flavor.get("data"))


_READERS: dict[str, Callable[[Flavor], tuple[str, str]]] = {OWN_FLAVOR: _own, "sklearn": _sklearn, "onnx": _onnx}
