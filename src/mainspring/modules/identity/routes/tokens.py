"""``/api/v1/auth/keys`` and ``/api/v1/auth/run-tokens``: what programs prove themselves with."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from mainspring.kit.permissions import Permission, needs
from mainspring.modules.identity import service
from mainspring.modules.identity.routes.auth import AUTH, Stores
from mainspring.modules.identity.routes.users import MINE, Db, Who
from mainspring.modules.identity.schemas import (
    ApiKeyCreate,
    ApiKeys,
    NewApiKey,
    RunToken,
    RunTokenCreate,
    RunTokenRefresh,
)

WRITE = needs(Permission.TRACKING_WRITE)
KEYS, RUN_TOKENS = f"{AUTH}/keys", f"{AUTH}/run-tokens"
Whose = Annotated[str | None, QueryParameter(description="Whose, for administrators; one's own if left out.")]


@get(KEYS, opt=MINE)
async def list_api_keys(db: Db, actor: Who, user: Whose = None) -> ApiKeys:
    """List API keys, newest first."""
    return ApiKeys(await db.read(service.list_keys, actor, user))


@post(KEYS, opt=MINE)
async def create_api_key(services: Stores, actor: Who, data: JSONBody[ApiKeyCreate]) -> NewApiKey:
    """Create an API key; its token is told in this answer alone."""
    return await services.db.write(service.create_key, actor, data, services.settings.api_key_days)


@delete(f"{KEYS}/{{key:int}}", opt=MINE)
async def revoke_api_key(db: Db, actor: Who, key: FromPath[int]) -> None:
    """Revoke an API key at once."""
    await db.write(service.revoke_key, actor, key)


@post(RUN_TOKENS, opt=WRITE)
async def create_run_token(db: Db, actor: Who, data: JSONBody[RunTokenCreate]) -> RunToken:
    """Create a token that reads the project and writes one run of it."""
    return await db.write(service.create_run_token, actor, data)


@post(f"{RUN_TOKENS}/refresh", opt=WRITE)
async def refresh_run_token(db: Db, actor: Who, data: JSONBody[RunTokenRefresh]) -> RunToken:
    """Get a new token for the run of the one that this request came with."""
    return await db.write(service.refresh_run_token, actor, data)


HANDLERS = [list_api_keys, create_api_key, revoke_api_key, create_run_token, refresh_run_token]
