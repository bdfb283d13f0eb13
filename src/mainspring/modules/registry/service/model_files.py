"""Reading ``MLmodel``, the YAML file that describes a model. Whoever uploads a model writes it: it is not trusted."""

from __future__ import annotations

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.yaml_text import read_yaml
from mainspring.modules.registry.schemas import ModelFile
from mainspring.modules.registry.service.rules import MAX_MODEL_FILE


def parse_model_file(content: bytes) -> ModelFile:
    """Return what an ``MLmodel`` says. Raises InvalidArgument for what is no such file."""
    if len(content) > MAX_MODEL_FILE:
        raise InvalidArgument(f"MLmodel has more than {MAX_MODEL_FILE} bytes; more are not read.", field="MLmodel")
    try:
        return msgspec.convert(read_yaml(content, "MLmodel"), ModelFile, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"MLmodel is not a model's description: {error}.", field="MLmodel") from error
