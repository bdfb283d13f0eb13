"""A model registry for scripts and notebooks: save a Python model under a name, load it back by version.

The metadata lies in a JSON file, in a database, or on a Mainspring or MLflow server; the bytes lie
in a local folder or an object store.
"""

from model_management.metadata import MetadataBackend
from model_management.records import ModelVersion, Statistics
from model_management.registry import ModelRegistry, create_registry
from model_management.storage import ModelStorage, Payload

__all__ = [
    "MetadataBackend",
    "ModelRegistry",
    "ModelStorage",
    "ModelVersion",
    "Payload",
    "Statistics",
    "create_registry",
]
