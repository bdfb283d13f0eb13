"""Signing in a command line by a browser (RFC 8628)."""

from __future__ import annotations

from mainspring.client.transport import Transport
from mainspring.modules.identity.schemas import (
    DeviceAuthorization,
    DevicePoll,
    DeviceRefusal,
    DeviceStart,
    DeviceToken,
)


class DeviceClient:
    """How a program without a page gets an API key: somebody who is signed in to a browser lets it in there."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, client: str) -> DeviceAuthorization:
        """Begin, and return the code to show and the page where it is to be typed.

        ``client`` is how people know the program, such as ``mainspring on laptop``.
        """
        return self._transport.call(DeviceAuthorization, "POST", "/auth/device", body=DeviceStart(client))

    def poll(self, device_code: str) -> DeviceToken | DeviceRefusal:
        """Return the API key once somebody has let the program in, else why there is none (yet).

        The ``error`` of a refusal is OAuth's: after ``authorization_pending`` ask again in the seconds that
        ``start`` has told, after ``slow_down`` in five more; any other is final.
        """
        body = DevicePoll(device_code)
        return self._transport.call_or(DeviceToken, DeviceRefusal, "POST", "/auth/device/token", body=body)
