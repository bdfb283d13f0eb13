"""Signing in by an OpenID Connect provider: what is asked of it, and which of its tokens are believed.

OpenID Connect Core 1.0 with the authorization code flow and PKCE (RFC 7636, S256), Discovery 1.0,
RP-Initiated Logout 1.0 and Back-Channel Logout 1.0. Nothing here touches the database.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jws import JWSRegistry

from mainspring.kit.errors import Internal, Unauthenticated, Unavailable
from mainspring.kit.networks import is_confidential
from mainspring.modules.identity.service import outbound
from mainspring.modules.identity.service.claims import TokenClaims, claim_at, is_id

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that are believed. None of them can be made with what is public: no ``none``, no HMAC."""
KEY_TYPES = ("RSA", "EC", "OKP")
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY_S = 30
LOGOUT_TOKEN_S = 300
METADATA_S = 3600.0
KEYS_S = 600.0
UNKNOWN_PAUSE_S = 5.0
AWAY_S = 3.0


class Metadata(msgspec.Struct):
    """What a provider tells of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Tokens(msgspec.Struct):
    """What a provider's token endpoint gives. ``expires_in`` is in seconds."""

    access_token: str
    id_token: str | None = None
    refresh_token: str | None = None
    expires_in: float | None = None


class _Refusal(msgspec.Struct):
    error: str = "invalid_request"


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Client:
    """This server as a client of a provider. ``scope`` is what it asks for, words with spaces between.

    ``groups_claim`` is where the user's groups stand in the claims: names with dots between them.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    groups_claim: str = "groups"


class GrantRefused(Unauthenticated):
    """The provider says that a code or a refresh token is worth nothing (any more)."""


class Provider:
    """One OpenID Connect provider; remembers what it says of itself, and its keys."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._metadata: Metadata | None = None
        self._metadata_at = self._keys_at = 0.0
        self._unknown_at = self._away_at = -math.inf
        self._keys: KeySet | None = None

    async def metadata(self) -> Metadata:
        """Return what the provider tells of itself. Raises Unavailable where it cannot be asked, or lies."""
        if self._metadata is None or time.monotonic() - self._metadata_at > METADATA_S:
            if time.monotonic() - self._away_at < AWAY_S:
                raise Unavailable("The identity provider was away a moment ago.", retry_after=AWAY_S)
            self._metadata = await self._fetch_metadata()
            self._metadata_at = time.monotonic()
        return self._metadata

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Return where a browser is sent to sign in. Raises Unavailable."""
        metadata = await self.metadata()
        fields = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.client.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return _with_query(metadata.authorization_endpoint, fields)

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Return the tokens of an authorization code. Raises GrantRefused or Unavailable."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._ask_for_tokens({**form, "code_verifier": verifier})

    async def refresh(self, refresh_token: str) -> Tokens:
        """Return new tokens. Raises GrantRefused or Unavailable."""
        return await self._ask_for_tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def verify_id_token(self, tokens: Tokens, nonce: str | None) -> TokenClaims:
        """Return the claims of an ID token. ``nonce`` is the one that was asked with, None for a refreshed token.

        Raises Unauthenticated where anything about it is wrong, and Unavailable.
        """
        if tokens.id_token is None:
            raise Unauthenticated("The identity provider sent no ID token. Does its client allow the scope 'openid'?")
        token = await self._verify(tokens.id_token)
        parameters = {"nonce": nonce, "client_id": self.client.client_id, "access_token": tokens.access_token}
        claims = CodeIDToken(token.claims, token.header, self._essential(), parameters)
        try:
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _untrusted("ID token", error) from error
        return _with_subject(token.claims)

    async def verify_logout_token(self, logout_token: str) -> TokenClaims:
        """Return the claims of a logout token (Back-Channel Logout 1.0, section 2.6).

        Whether its ``jti`` came before is the caller's to see. Raises Unauthenticated or Unavailable.
        """
        token = await self._verify(logout_token)
        claims = token.claims
        now = time.time()
        try:
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_S, iat={"essential": True}, jti={"essential": True}, **self._essential()
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise _untrusted("logout token", error) from error
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise Unauthenticated("The logout token is not accepted: its events do not name a logout.")
        if "nonce" in claims:
            raise Unauthenticated("The logout token is not accepted: it has a nonce, as ID tokens have.")
        if claims["iat"] < now - LOGOUT_TOKEN_S - LEEWAY_S:
            raise Unauthenticated("The logout token is not accepted: it is too old.")
        if not is_id(claims["jti"]) or not any(is_id(claims.get(name)) for name in ("sid", "sub")):
            raise Unauthenticated("The logout token is not accepted: it names neither a session nor a subject.")
        return claims

    async def describe(self, tokens: Tokens, claims: TokenClaims) -> TokenClaims:
        """Return the claims with what the provider's user information adds, where they do not tell the groups.

        Raises Unauthenticated or Unavailable.
        """
        if claim_at(claims, self.client.groups_claim) is not None:
            return claims
        return {**await self.userinfo(tokens, claims["sub"]), **claims}

    async def userinfo(self, tokens: Tokens, subject: str) -> TokenClaims:
        """Return what the provider tells of the user, nothing where it has no such endpoint.

        Raises Unauthenticated where it speaks of somebody else, and Unavailable.
        """
        metadata = await self.metadata()
        if not metadata.userinfo_endpoint:
            return {}
        claims: TokenClaims = await outbound.get(dict[str, Any], metadata.userinfo_endpoint, token=tokens.access_token)
        if claims.get("sub") != subject:
            raise Unauthenticated("The identity provider's user information is of somebody else.")
        return claims

    async def logout_url(self, id_token: str, back_to: str) -> str | None:
        """Return where a browser ends its session at the provider too, None where that is not offered."""
        metadata = await self.metadata()
        if not metadata.end_session_endpoint:
            return None
        fields = {"id_token_hint": id_token, "client_id": self.client.client_id, "post_logout_redirect_uri": back_to}
        return _with_query(metadata.end_session_endpoint, fields)

    async def _fetch_metadata(self) -> Metadata:
        try:
            found = await outbound.get(Metadata, f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration")
            _check_metadata(found, self.client.issuer)
        except Unavailable:
            # Whoever comes next is told at once: nobody can have this server wait again and again.
            self._away_at = time.monotonic()
            raise
        return found

    def _essential(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self.client.issuer},
            "aud": {"essential": True, "value": self.client.client_id},
        }

    async def _verify(self, text: str) -> jwt.Token:
        """Return a token whose signature one of the provider's keys has made."""
        metadata = await self.metadata()
        named = metadata.id_token_signing_alg_values_supported
        allowed = [name for name in ALGORITHMS if name in named]
        registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
        try:
            try:
                return jwt.decode(text, await self._key_set(), registry=registry)
            except InvalidKeyIdError:  # the provider may have a new key
                return jwt.decode(text, await self._key_set(unknown=True), registry=registry)
        except (JoseError, ValueError, TypeError) as error:
            raise _untrusted("token", error) from error

    async def _key_set(self, *, unknown: bool = False) -> KeySet:
        """Return the provider's keys; for one that is unknown they are fetched again, but not for every such token."""
        now = time.monotonic()
        again = unknown and now - self._unknown_at > UNKNOWN_PAUSE_S
        if again:
            self._unknown_at = now
        if self._keys is None or again or now - self._keys_at > KEYS_S:
            found = await outbound.get(_Keys, (await self.metadata()).jwks_uri)
            self._keys, self._keys_at = _import_keys(found), now
        return self._keys

    async def _ask_for_tokens(self, form: Mapping[str, str]) -> Tokens:
        metadata = await self.metadata()
        own, headers = self._authentication(metadata)
        answer = await outbound.send("POST", metadata.token_endpoint, form={**form, **own}, headers=headers)
        if answer.status == 200:
            try:
                return msgspec.json.decode(answer.body, type=Tokens)
            except msgspec.DecodeError as error:
                raise Unavailable("The identity provider answers without tokens.", retry_after=5) from error
        raise _refused(answer)

    def _authentication(self, metadata: Metadata) -> tuple[dict[str, str], dict[str, str]]:
        """Return the form fields and headers by which this client proves itself (RFC 6749, section 2.3.1)."""
        client_id, secret = self.client.client_id, self.client.client_secret
        methods = metadata.token_endpoint_auth_methods_supported
        if not secret:
            return {"client_id": client_id}, {}
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {"client_id": client_id, "client_secret": secret}, {}
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        return {}, {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _check_metadata(metadata: Metadata, issuer: str) -> None:
    if metadata.issuer != issuer:
        raise Unavailable(
            f"The identity provider calls itself '{metadata.issuer[:200]}', not '{issuer}': set oidc_issuer to exactly "
            "what it says."
        )
    named = (metadata.userinfo_endpoint, metadata.end_session_endpoint)
    urls = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri, *filter(None, named))
    if unsafe := [url for url in urls if not is_confidential(url)]:
        raise Unavailable(f"The identity provider names '{unsafe[0][:200]}', which is not an https:// URL.")
    if not set(ALGORITHMS) & set(metadata.id_token_signing_alg_values_supported):
        raise Unavailable(f"The identity provider signs by none of {', '.join(ALGORITHMS)}.")


def _import_keys(found: _Keys) -> KeySet:
    """Return the keys that can verify; secret ones and unknown kinds are left out."""
    keys = []
    for each in found.keys:
        if each.get("kty") in KEY_TYPES and each.get("use", "sig") == "sig":
            try:
                keys.append(JWKRegistry.import_key(each))
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # a curve that is not known here is no reason to refuse the others
    return KeySet(keys)


def _with_subject(claims: TokenClaims) -> TokenClaims:
    if not is_id(claims["sub"]):
        raise Unauthenticated("The ID token is not accepted: its subject is no name of at most 255 characters.")
    return claims


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _untrusted(what: str, error: Exception) -> Unauthenticated:
    reason = error.description if isinstance(error, JoseError) and error.description else type(error).__name__
    return Unauthenticated(f"The identity provider's {what} is not accepted: {reason}")


def _refused(answer: outbound.Answer) -> GrantRefused | Internal:
    """Return the error of a refused grant; a client that is itself refused is a mistake in the settings."""
    try:
        code = msgspec.json.decode(answer.body, type=_Refusal).error
    except msgspec.DecodeError:
        code = f"status {answer.status}"
    if code == "invalid_grant":
        return GrantRefused("The identity provider does not accept this sign-in any more: sign in again.")
    return Internal(f"The identity provider refuses this server ({code[:100]}): check its client id and secret.")
