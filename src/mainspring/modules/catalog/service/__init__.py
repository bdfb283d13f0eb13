"""The door to the catalog."""

from mainspring.modules.catalog import tables as _tables  # noqa: F401 - the schema is what the doors bring
from mainspring.modules.catalog.service.models import ModelFile, ModelLink, add_models, linked_models

__all__ = ["ModelFile", "ModelLink", "add_models", "linked_models"]
