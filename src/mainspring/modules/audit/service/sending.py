"""Sending one request to a webhook: signed, bounded in time and size, to an address that was checked, no further.

The signature is that of Standard Webhooks, which MLflow's is too: HMAC-SHA256 of ``id.timestamp.body`` under
the secret, in base64 behind ``v1,``. The id is the delivery's and stays the same when it is sent again; the
timestamp is of the attempt, so that a receiver may refuse what is older than some minutes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mainspring.modules.audit.schemas import Webhook, WebhookFormat
from mainspring.modules.audit.service.addresses import addresses_of
from mainspring.modules.audit.store.webhooks import Outcome

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_S = 5.0
WHOLE_S = 10.0
MAX_ANSWER = 1000
MAX_ADDRESSES = 3
_PREFIXES = {WebhookFormat.MLFLOW: "X-MLflow-", WebhookFormat.MAINSPRING: "Webhook-"}
_ID = {WebhookFormat.MLFLOW: "Delivery-Id", WebhookFormat.MAINSPRING: "Id"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to a webhook under the id of a delivery; without a secret it is not signed."""

    webhook: Webhook
    secret: str | None
    delivery_id: str
    body: str


def headers_of(message: Message, now: int) -> dict[str, str]:
    """Return the headers of an attempt at ``now`` (s since the epoch)."""
    format = message.webhook.format
    prefix = _PREFIXES[format]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Mainspring",
        # What comes compressed may be a thousand times larger than it looks.
        "Accept-Encoding": "identity",
        f"{prefix}{_ID[format]}": message.delivery_id,
        f"{prefix}Timestamp": str(now),
    }
    if message.secret:
        headers[f"{prefix}Signature"] = signature_of(message.secret, message.delivery_id, str(now), message.body)
    return headers


def signature_of(secret: str, delivery_id: str, timestamp: str, body: str) -> str:
    """Return the signature of what is sent."""
    signed = hmac.new(secret.encode(), f"{delivery_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


async def attempt(message: Message | Outcome, private_addresses: bool) -> Outcome:
    """Send a message once, unless it is known already what comes of it."""
    return message if isinstance(message, Outcome) else await send(message, private_addresses)


async def send(message: Message, private_addresses: bool) -> Outcome:
    """Send a message once and return what came of it; whatever goes wrong at the receiver is an outcome too."""
    started = time.monotonic()
    status, answer, error = None, None, None
    try:
        async with asyncio.timeout(WHOLE_S):
            status, answer = await _post(message, private_addresses)
    except TimeoutError:
        error = f"No answer within {WHOLE_S:g} s."
    except Exception as failed:  # noqa: BLE001 - what a receiver makes go wrong is its own affair, and must stop no other
        error = str(failed) or type(failed).__name__
    if status is not None and not 200 <= status < 300:
        error = f"The receiver answered with status {status}" + (
            ", which leads elsewhere." if 300 <= status < 400 else "."
        )
    return Outcome(status, round((time.monotonic() - started) * 1000), answer, error)


async def _post(message: Message, private_addresses: bool) -> tuple[int, str]:
    """Send to the first address that lets us connect."""
    import httpx

    url = httpx.URL(message.webhook.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = await addresses_of(url.raw_host.decode("ascii").strip("[]"), port, private_addresses)
    timeout = httpx.Timeout(WHOLE_S, connect=CONNECT_S)
    # Neither proxies nor .netrc of the environment: they would lead past the address that was checked.
    async with httpx.AsyncClient(verify=_trusted(), timeout=timeout, trust_env=False, follow_redirects=False) as client:
        *others, last = addresses[:MAX_ADDRESSES]
        for address in others:
            try:
                return await _post_to(client, url, address, message)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await _post_to(client, url, last, message)


async def _post_to(client: httpx.AsyncClient, url: httpx.URL, address: str, message: Message) -> tuple[int, str]:
    headers = headers_of(message, int(time.time())) | {"Host": url.netloc.decode("ascii")}
    # The certificate is held against the name, not against the address.
    extensions = {"sni_hostname": url.raw_host.decode("ascii").strip("[]")}
    request = client.build_request(
        "POST", url.copy_with(host=address), content=message.body.encode(), headers=headers, extensions=extensions
    )
    answer = await client.send(request, stream=True)
    try:
        return answer.status_code, await _beginning(answer)
    finally:
        await answer.aclose()


async def _beginning(answer: httpx.Response) -> str:
    """Return how an answer begins, as text that a database keeps; the rest is not read."""
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk[: MAX_ANSWER - len(body)]
        if len(body) >= MAX_ANSWER:
            break
    return body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


@cache
def _trusted() -> ssl.SSLContext:
    """Return the certificates that are trusted: reading them is most of what a client costs."""
    import httpx

    return httpx.create_ssl_context()
