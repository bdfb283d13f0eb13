"""What versions were made of, for those who have looked at who may know of it."""

from mainspring.modules.registry.store.lineage import (
    VersionRow,
    find_versions,
    find_versions_of_models,
    find_versions_of_projects,
    find_versions_of_runs,
)

__all__ = [
    "VersionRow",
    "find_versions",
    "find_versions_of_models",
    "find_versions_of_projects",
    "find_versions_of_runs",
]
