"""Endpoints that say what the server is, to clients and to MLflow's page."""

from __future__ import annotations

import msgspec

from mainspring.api.mlflow.dispatch import Services, raw_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.http import TEXT, Request, Send, respond
from mainspring.kit.permissions import Permission

MLFLOW_VERSION = "3.17.2"
"""The version of the protocol that is spoken here: clients compare it with their own."""

SERVER_INFO = {
    "store_type": "SqlStore",
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
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
    await respond(send, 200, msgspec.json.encode(SERVER_INFO))
