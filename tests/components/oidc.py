"""A real OpenID Connect provider for the tests: the npm package ``oidc-provider``, run by Node.

``scripts/setup.sh components`` installs it by its lock into ``.cache/components``. ``oidc_provider`` is one
provider per pytest process: each test registers a client of its own, and users are whoever signs in.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.components.ports import free_port, wait_until

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / ".cache" / "components" / "node_modules"
ACCESS_TOKEN_S = 2
FIELD = re.compile(r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"')
ACTION = re.compile(r'<form[^>]*action="([^"]*)"')


class OidcProvider:
    """The provider: ``issuer``, and the knobs that tests turn."""

    def __init__(self, node: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._log = Path(tempfile.mkstemp(prefix="mainspring-oidc-")[1])
        self._command = [node, str(HERE / "oidc_provider.mjs"), str(PACKAGES.parent), str(self.port)]
        self._command.append(str(ACCESS_TOKEN_S))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return once it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, f"the OpenID provider at port {self.port}")

    def stop(self) -> None:
        """Stop at once."""
        if self._process:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        """Stop, and remove the log."""
        self.stop()
        self._log.unlink()

    def add_client(self, url: str, **more: Any) -> tuple[str, str]:
        """Register the server at ``url`` as a client, and return its id and secret."""
        client_id, secret = f"client-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        client = {
            "client_id": client_id,
            "client_secret": secret,
            "redirect_uris": [f"{url}/sign-in/oidc/callback"],
            "post_logout_redirect_uris": [f"{url}/signed-out"],
            "backchannel_logout_uri": f"{url}/sign-in/oidc/backchannel-logout",
            "backchannel_logout_session_required": True,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        self._turn("client", client | more)
        return client_id, secret

    def set_account(self, login: str, **known: Any) -> None:
        """Set what is known of a user: ``groups``, ``roles``, further ``claims``, or that it is ``removed``."""
        self._turn("account", {"login": login, **known})

    def rotate_keys(self) -> None:
        """Sign by other keys from now on, and publish only those."""
        self._turn("rotate", {})

    def sign_in(self, browser: httpx.Client, url: str, login: str) -> httpx.Response:
        """Walk a browser from ``url`` through the provider's pages, and return the first answer from elsewhere."""
        answer = browser.get(url)
        while True:
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["Location"])
                if not target.startswith(self.issuer) and str(answer.url).startswith(self.issuer):
                    return browser.get(target)
                answer = browser.get(target)
            elif str(answer.url).startswith(self.issuer) and (form := ACTION.search(answer.text)):
                fields = dict(FIELD.findall(answer.text)) | {"login": login, "password": "any"}
                answer = browser.post(urljoin(str(answer.url), form[1]), data=fields)
            else:
                return answer

    def sign_out(self, browser: httpx.Client) -> None:
        """End a browser's session at the provider, which then tells the clients (back-channel logout)."""
        page = browser.get(f"{self.issuer}/session/end")
        form = ACTION.search(page.text)
        assert form, page.text
        fields = dict(FIELD.findall(page.text)) | {"logout": "yes"}
        browser.post(urljoin(self.issuer, form[1]), data=fields)

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def _turn(self, knob: str, given: dict[str, Any]) -> None:
        httpx.post(f"{self.issuer}/test/{knob}", content=json.dumps(given)).raise_for_status()

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the OpenID provider has ended; its log:\n{self.log}")
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[OidcProvider]:
    """Yield a running provider; skip where Node or the package is not installed."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        pytest.skip("Node is not installed: no node on PATH")
    if not (PACKAGES / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed: run scripts/setup.sh components")
    provider = OidcProvider(node)
    provider.start()
    try:
        yield provider
    finally:
        provider.close()
