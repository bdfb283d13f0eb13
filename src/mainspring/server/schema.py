"""The whole schema: importing the modules by their doors puts their tables into the one MetaData."""

from mainspring.db.schema import metadata
from mainspring.modules.registry import service as registry
from mainspring.modules.tracking import service as tracking

__all__ = ["metadata", "registry", "tracking"]
