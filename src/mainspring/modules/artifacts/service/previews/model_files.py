"""What an ``MLmodel`` file says of a model of MLflow: its flavours, and its signature."""

from __future__ import annotations

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.artifacts.schemas import ModelPreview

LARGEST_MODEL_FILE = 1024 * 1024


def read_model_file(content: bytes) -> ModelPreview:
    """Return what an ``MLmodel`` says. Raises InvalidArgument for what is no such file."""
    # Loaded at the first file: a server starts sooner without the YAML parser.
    from mainspring.kit.yaml_text import read_yaml

    try:
        return msgspec.convert(read_yaml(content, "MLmodel"), ModelPreview, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"MLmodel is not a model's description: {error}.", field="MLmodel") from error
