"""``/api/v1/auth/device`` and ``devices``: signing in a command line by a browser (RFC 8628)."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from mainspring.kit.http import Request
from mainspring.modules.identity import service
from mainspring.modules.identity.routes.auth import AUTH, PUBLIC, AnyRequest, Stores
from mainspring.modules.identity.routes.users import MINE, Db, Who
from mainspring.modules.identity.schemas import (
    Device,
    DeviceAnswer,
    DeviceAuthorization,
    DevicePoll,
    DeviceRefusal,
    DeviceStart,
    DeviceToken,
)

DEVICE, WAITING = f"{AUTH}/device", f"{AUTH}/devices/{{user_code:str}}"


@post(DEVICE, opt=PUBLIC, status_code=200)
async def start_device(services: Stores, request: AnyRequest, data: JSONBody[DeviceStart]) -> DeviceAuthorization:
    """Begin to sign in a command line: get a code for its user, and one to ask with."""
    page = f"{Request(request.scope, request.receive).origin}/device"  # type: ignore[arg-type]
    return await services.db.write(service.start_device, services.settings, data.client, page)


@post(f"{DEVICE}/token", opt=PUBLIC, status_code=200)
async def poll_device(services: Stores, data: JSONBody[DevicePoll]) -> Response[DeviceToken | DeviceRefusal]:
    """Ask for the API key of a command line that waits.

    Until somebody has approved it, the answer has the status 400 and OAuth's form: `error` is
    `authorization_pending`, or `slow_down` for who asks too often.
    """
    answer = await services.db.write(service.poll_device, services.settings, data.device_code)
    status = 400 if isinstance(answer, DeviceRefusal) else 200
    return Response(answer, status_code=status, headers={"Cache-Control": "no-store"})


@get(WAITING, opt=MINE)
async def get_device(db: Db, actor: Who, user_code: FromPath[str]) -> Device:
    """Get the command line that shows a code, to see whom one would let in."""
    return await db.read(service.get_device, actor, user_code)


@post(WAITING, opt=MINE, status_code=204)
async def answer_device(db: Db, actor: Who, user_code: FromPath[str], data: JSONBody[DeviceAnswer]) -> None:
    """Let a command line act as oneself, or refuse it."""
    await db.write(service.answer_device, actor, user_code, data.approve)


HANDLERS = [start_device, poll_device, get_device, answer_device]
