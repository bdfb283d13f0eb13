"""The door to the registry: its service functions, each ``f(tx, actor, …)`` and without a commit.

``read_model_file`` alone is asynchronous: it reads the artifact store between two transactions.

Prompts are registered models with the tag ``mlflow.prompt.is_prompt``; searches leave them out unless
they ask for them.
"""

from mainspring.modules.registry.service.files import read_model_file
from mainspring.modules.registry.service.holders import find_holders
from mainspring.modules.registry.service.links import LinkedModel, LinkedVersion, linked_models
from mainspring.modules.registry.service.models import (
    MAX_MODELS,
    create_registered_model,
    delete_alias,
    delete_registered_model,
    delete_registered_model_tag,
    get_latest_versions,
    get_model_version_by_alias,
    get_registered_model,
    search_registered_models,
    set_alias,
    set_registered_model_tag,
    update_registered_model,
)
from mainspring.modules.registry.service.requests import (
    create_stage_request,
    decide_stage_request,
    search_stage_requests,
    withdraw_stage_request,
)
from mainspring.modules.registry.service.versions import (
    MAX_VERSIONS,
    create_model_version,
    delete_model_version,
    delete_model_version_tag,
    get_download_uri,
    get_files_uri,
    get_model_version,
    get_model_version_details,
    measure_versions,
    record_model_file,
    search_model_versions,
    set_model_version_tag,
    update_model_version,
)

__all__ = [
    "MAX_MODELS",
    "MAX_VERSIONS",
    "LinkedModel",
    "LinkedVersion",
    "create_model_version",
    "create_registered_model",
    "create_stage_request",
    "decide_stage_request",
    "delete_alias",
    "delete_model_version",
    "delete_model_version_tag",
    "delete_registered_model",
    "delete_registered_model_tag",
    "find_holders",
    "get_download_uri",
    "get_files_uri",
    "get_latest_versions",
    "get_model_version",
    "get_model_version_by_alias",
    "get_model_version_details",
    "get_registered_model",
    "linked_models",
    "measure_versions",
    "read_model_file",
    "record_model_file",
    "search_model_versions",
    "search_registered_models",
    "search_stage_requests",
    "set_alias",
    "set_model_version_tag",
    "set_registered_model_tag",
    "update_model_version",
    "update_registered_model",
    "withdraw_stage_request",
]
