"""An OpenID Connect provider that tells what a test wants told, true or not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joserfc import jwk, jws
from joserfc.jwk import ECKey, RSAKey

from mainspring.modules.identity.service.oidc import LOGOUT_EVENT, Client, Provider, Tokens
from tests.client.answering import Answer, Answering, answering

CLIENT_ID = "mainspring"


class Liar:
    """A provider's keys, and what it answers: ``metadata`` and ``keys`` may be changed, ``answers`` come first."""

    def __init__(self) -> None:
        self.server: Answering
        self.key: jwk.Key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.published: list[jwk.Key] = [self.key]
        self.metadata: dict[str, Any] = {}
        self.answers: dict[str, Answer] = {}

    @property
    def issuer(self) -> str:
        """Where it is."""
        return self.server.url

    def provider(self, **more: Any) -> Provider:
        """Return this provider as our server knows it."""
        return Provider(
            Client(**{"issuer": self.issuer, "client_id": CLIENT_ID, "client_secret": "s", "scope": "openid"} | more)
        )

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return good claims of an ID token, with some of them changed; None leaves one out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "alice", "iat": now, "exp": now + 60, "nonce": "n"}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def logout_claims(self, **changed: Any) -> dict[str, Any]:
        """Return good claims of a logout token, with some of them changed; None leaves one out."""
        good = {"events": {LOGOUT_EVENT: {}}, "jti": "j", "sid": "s", "nonce": None}
        return self.claims(**(good | changed))

    def sign(self, claims: dict[str, Any], alg: str = "RS256", key: jwk.Key | None = None, **header: Any) -> str:
        """Return a token signed by a key of the provider's, or another."""
        by = key or self.key
        return jws.serialize_compact({"alg": alg, "kid": "first", **header}, json.dumps(claims), by, algorithms=[alg])

    def tokens(self, claims: dict[str, Any], **more: Any) -> Tokens:
        """Return what the token endpoint would give with such an ID token."""
        return Tokens("access", self.sign(claims, **more))

    def answer(self, _method: str, path: str) -> Answer:
        """Answer a request."""
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return Answer(content=json.dumps(self._metadata()).encode())
        if path == "/keys":
            return Answer(content=json.dumps({"keys": [key.as_dict(private=False) for key in self.published]}).encode())
        return Answer(404)

    def _metadata(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        return {name: value for name, value in (told | self.metadata).items() if value is not None}


@contextmanager
def lying() -> Iterator[Liar]:
    """Yield a provider that listens."""
    liar = Liar()
    with answering(liar.answer) as server:
        liar.server = server
        yield liar


def ec_key(kid: str) -> ECKey:
    """Return a new key of another kind."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})
