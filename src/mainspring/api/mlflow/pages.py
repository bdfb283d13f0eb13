"""Endpoints that say what the server is, to clients and to MLflow's page."""

from __future__ import annotations

import msgspec

from mainspring.api.mlflow.dispatch import raw_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.http import TEXT, Request, Send, respond
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.services import Services

MLFLOW_VERSION = "3.17.2"
"""The version of the protocol that is spoken here: clients compare it with their own."""

SERVER_INFO = {
    "store_type": "SqlStore",
    "workspaces_enabled": True,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": True,
    "presigned_upload_run_id_supported": True,
    "presigned_upload_model_id_supported": True,
    "features_enabled": {"gateway": False},
}


@raw_endpoint("GET", "/health", Permission.PUBLIC)
async def health(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    await respond(send, 200, b"OK", TEXT)


@raw_endpoint("GET", "/version", Permission.PUBLIC)
async def version(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    await respond(send, 200, MLFLOW_VERSION.encode(), TEXT)


@raw_endpoint("GET", "server-info", Permission.PUBLIC)
async def server_info(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    # Told that downloads may go past us, clients ask for a signed URL first: of no use where it leads back here.
    info = SERVER_INFO | {"multipart_downloads_enabled": artifacts.goes_direct(services)}
    if request.path.startswith("/ajax-api/"):
        info["workspaces_enabled"] = _offers_projects(services, request)
    await respond(send, 200, msgspec.json.encode(info))


def _offers_projects(services: Services, request: Request) -> bool:
    """Say whether MLflow's page begins with a list of projects, its workspaces.

    Not below a project, and not on a server without accounts, where people expect their experiments.
    """
    return not request.project and services.settings.resolved_auth != "off"
