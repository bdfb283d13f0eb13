"""``mainspring login`` and ``logout``: a token for this machine, got by a browser and kept for its user alone."""

from __future__ import annotations

import os
import platform
import time
from typing import TYPE_CHECKING

from mainspring.cli.options import Url
from mainspring.cli.output import err, plain, say
from mainspring.kit.errors import PermissionDenied, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from mainspring.client import Client
    from mainspring.modules.identity.schemas import DeviceAuthorization, DeviceToken

SLOWER_S = 5


def login(url: Url = None) -> None:
    """Sign in here: open the address that is shown in any browser, type the code, and allow it."""
    from mainspring.client import connect
    from mainspring.client.tokens import TOKENS, keep_token, token_file

    with connect(url, retries=1) as client:
        device = client.devices.start(f"mainspring on {platform.node() or 'a machine without a name'}")
        say(f"Open {device.verification_uri_complete}")
        say(f"and allow the code {device.user_code}")
        given = _wait(client, device)
        keep_token(client.url, given.access_token)
        days = given.expires_in // 86_400
        err.print(plain(f"Signed in to {client.url} as {given.name} for {days} days. The token is in {token_file()}."))
    for name in filter(os.environ.get, TOKENS):
        err.print(f"{name} is set: what it holds goes before the token that is kept.")


def logout(url: Url = None) -> None:
    """Sign out here: the token that `mainspring login` has kept is revoked and removed."""
    from mainspring.client import connect
    from mainspring.client.tokens import forget_token, kept_token
    from mainspring.client.transport import default_url

    server = url or default_url()
    token = kept_token(server)
    if token is None:
        err.print(plain(f"No token is kept for {server}."))
        return
    with connect(server, token=token, retries=1) as client:
        try:
            client.auth.sign_out()
        except Unauthenticated:
            err.print("The token was not good any more.")
    forget_token(server)
    err.print(plain(f"Signed out of {server}."))


def _wait(client: Client, device: DeviceAuthorization) -> DeviceToken:
    """Return the token once it is there. Raises PermissionDenied where there will be none."""
    from mainspring.modules.identity.schemas import DeviceToken

    pause, ends = device.interval, time.monotonic() + device.expires_in
    with err.status("Waiting for you to allow it there…"):
        while time.monotonic() < ends:
            time.sleep(pause)
            try:
                answer = client.devices.poll(device.device_code)
            except Unavailable:
                continue
            if isinstance(answer, DeviceToken):
                return answer
            if answer.error == "slow_down":
                pause += SLOWER_S
            elif answer.error != "authorization_pending":
                raise PermissionDenied(answer.error_description)
    raise PermissionDenied("Nobody has allowed it in time: begin anew.")
