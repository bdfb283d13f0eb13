"""The whole schema: importing the modules by their doors puts their tables into the one MetaData."""

from mainspring.db.schema import metadata
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.audit import service as audit
from mainspring.modules.catalog import service as catalog
from mainspring.modules.configuration import service as configuration
from mainspring.modules.files import service as files
from mainspring.modules.identity import service as identity
from mainspring.modules.lineage import service as lineage
from mainspring.modules.projects import service as projects
from mainspring.modules.quotas import service as quotas
from mainspring.modules.registry import service as registry
from mainspring.modules.tracking import service as tracking

__all__ = [
    "artifacts",
    "audit",
    "catalog",
    "configuration",
    "files",
    "identity",
    "lineage",
    "metadata",
    "projects",
    "quotas",
    "registry",
    "tracking",
]
