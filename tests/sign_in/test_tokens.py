"""Which tokens of a provider are believed, and what is asked of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwk
from joserfc.jwk import OctKey, RSAKey

from mainspring.kit.errors import Internal, Unauthenticated, Unavailable
from mainspring.modules.identity.service import oidc, outbound
from mainspring.modules.identity.service.oidc import LOGOUT_EVENT, GrantRefused, Tokens
from tests.client.answering import Answer
from tests.sign_in.lying import CLIENT_ID, Liar, ec_key, lying


@pytest.fixture(scope="module")
def running() -> Iterator[Liar]:
    with lying() as liar:
        yield liar


@pytest.fixture
def liar(running: Liar) -> Liar:
    """Return a provider that has not lied yet."""
    running.metadata, running.answers, running.published = {}, {}, [running.key]
    running.server.asked.clear()
    return running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "FIRST_PAUSE_S", 0.0)


def verify(liar: Liar, tokens: Tokens, nonce: str | None = "n") -> dict[str, Any]:
    return asyncio.run(liar.provider().verify_id_token(tokens, nonce))


def test_a_good_token(liar: Liar) -> None:
    assert verify(liar, liar.tokens(liar.claims()))["sub"] == "alice"
    assert verify(liar, liar.tokens(liar.claims(aud=[CLIENT_ID, "other"], azp=CLIENT_ID)))["sub"] == "alice"
    assert verify(liar, liar.tokens(liar.claims(nonce=None)), nonce=None)["sub"] == "alice"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["other", "another"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": 4_000_000_000}, "future"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a" * 256}, "subject"),
        ({"sub": "a\0b"}, "subject"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
    ids=lambda value: json.dumps(value, default=str)[:40],
)
def test_wrong_claims(liar: Liar, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthenticated, match=f"not accepted.*{reason}"):
        verify(liar, liar.tokens(liar.claims(**changed)))


def test_a_clock_that_is_a_little_wrong(liar: Liar) -> None:
    now = int(time.time())
    assert verify(liar, liar.tokens(liar.claims(exp=now - 10, iat=now + 10, nbf=now + 10)))
    with pytest.raises(Unauthenticated):
        verify(liar, liar.tokens(liar.claims(exp=now - 60)))


def test_the_hash_of_the_access_token(liar: Liar) -> None:
    half = urlsafe_b64encode(hashlib.sha256(b"access").digest()[:16]).decode().rstrip("=")
    assert verify(liar, liar.tokens(liar.claims(at_hash=half)))


def unsigned(claims: dict[str, Any], alg: str) -> str:
    parts = [json.dumps({"alg": alg, "typ": "JWT"}), json.dumps(claims)]
    return ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_no_signature(liar: Liar, alg: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(liar, Tokens("access", unsigned(liar.claims(), alg)))


def signed_by_hand(claims: dict[str, Any], secret: bytes) -> str:
    parts = [json.dumps({"alg": "HS256", "kid": "first"}), json.dumps(claims)]
    signed = ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{signed}.{urlsafe_b64encode(hmac.digest(secret, signed.encode(), 'sha256')).decode().rstrip('=')}"


@pytest.mark.parametrize("form", ["pem", "der", "json"])
def test_the_public_key_as_a_secret(liar: Liar, form: str) -> None:
    """Key confusion: what everybody knows must not sign, whatever the provider says that it signs by."""
    public: dict[str, bytes] = {
        "pem": liar.key.as_pem(private=False),
        "der": liar.key.as_der(private=False),
        "json": json.dumps(liar.key.as_dict(private=False)).encode(),
    }
    forged = Tokens("access", signed_by_hand(liar.claims(), public[form]))
    with pytest.raises(Unauthenticated):
        verify(liar, forged)


def test_the_clients_secret_does_not_sign(liar: Liar) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        secret = OctKey.import_key(b"s" * 32, {"kid": "first"})
        liar.published = [liar.key]
        forged = Tokens("access", liar.sign(liar.claims(), "HS256", secret))
    liar.answers["/keys"] = Answer(content=json.dumps({"keys": [secret.as_dict(private=True)]}).encode())
    with pytest.raises(Unauthenticated):
        verify(liar, forged)


@pytest.mark.parametrize("header", [{}, {"kid": "unknown"}, {"jwk": True}, {"jku": "http://127.0.0.1:1/keys"}])
def test_another_key_of_the_same_name(liar: Liar, header: dict[str, Any]) -> None:
    other: jwk.Key = RSAKey.generate_key(2048, {"kid": "first"})
    if "jwk" in header:
        header = {"jwk": other.as_dict(private=False)}
    with pytest.raises(Unauthenticated):
        verify(liar, liar.tokens(liar.claims(), key=other, **header))


def test_what_the_provider_does_not_sign_by(liar: Liar) -> None:
    liar.metadata = {"id_token_signing_alg_values_supported": ["ES256"]}
    with pytest.raises(Unauthenticated):
        verify(liar, liar.tokens(liar.claims()))


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "é.é.é", "." * 1000, "e30.e30.e30", "a.b.c.d.e"])
def test_what_is_no_token(liar: Liar, text: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(liar, Tokens("access", text))


def test_a_token_that_was_tampered_with(liar: Liar) -> None:
    head, _, signature = liar.sign(liar.claims()).split(".")
    body = urlsafe_b64encode(json.dumps(liar.claims(sub="admin")).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated, match="Signature"):
        verify(liar, Tokens("access", f"{head}.{body}.{signature}"))


def test_none_at_all(liar: Liar) -> None:
    with pytest.raises(Unauthenticated, match="openid"):
        verify(liar, Tokens("access"))


def test_new_keys_are_fetched_when_they_are_needed(liar: Liar) -> None:
    provider, second = liar.provider(), ec_key("second")

    def fetched() -> int:
        return liar.server.asked.count(("GET", "/keys"))

    async def rotate() -> None:
        await provider.verify_id_token(liar.tokens(liar.claims()), "n")
        await provider.verify_id_token(liar.tokens(liar.claims()), "n")
        assert fetched() == 1
        liar.published = [second]
        await provider.verify_id_token(liar.tokens(liar.claims(), alg="ES256", key=second, kid="second"), "n")
        assert fetched() == 2
        for kid in ("third", "fourth", "first"):
            with pytest.raises(Unauthenticated):
                await provider.verify_id_token(liar.tokens(liar.claims(), kid=kid), "n")
        assert fetched() == 2, "keys were fetched for every token of an unknown one"

    asyncio.run(rotate())


def test_keys_that_cannot_be_used_are_left_out(liar: Liar) -> None:
    strange = [
        {"kty": "LATTICE"},
        {"kty": "EC", "crv": "P-1", "x": "", "y": ""},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AA"},
    ]
    keys = [*strange, liar.key.as_dict(private=False)]
    liar.answers["/keys"] = Answer(content=json.dumps({"keys": keys}).encode())
    assert verify(liar, liar.tokens(liar.claims()))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "http://evil.example/token"}, "not an https"),
        ({"jwks_uri": "file:///etc/passwd"}, "not an https"),
        ({"userinfo_endpoint": "http://169.254.169.254/"}, "not an https"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "signs by none"),
        ({"token_endpoint": None}, "not as OpenID Connect"),
        ({"issuer": 7}, "not as OpenID Connect"),
    ],
)
def test_a_provider_that_cannot_be_trusted(liar: Liar, told: dict[str, Any], reason: str) -> None:
    liar.metadata = told
    with pytest.raises(Unavailable, match=reason):
        asyncio.run(liar.provider().metadata())


def test_the_issuer_is_exact(liar: Liar) -> None:
    liar.metadata = {"issuer": f"{liar.issuer}/"}
    with pytest.raises(Unavailable, match="exactly"):
        asyncio.run(liar.provider().metadata())


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, b"", {"Location": "/elsewhere"}),
        Answer(500, b"oops"),
        Answer(404),
        Answer(200, b"<html>"),
        Answer(200, b"{}", {"Content-Encoding": "gzip"}),
        Answer(200, b" " * (outbound.MAX_BYTES + 1)),
        Answer(200, b"{}", cut=True),
    ],
    ids=["redirect", "error", "absent", "html", "compressed", "large", "cut"],
)
def test_what_is_no_answer(liar: Liar, answer: Answer) -> None:
    liar.answers["/.well-known/openid-configuration"] = answer
    with pytest.raises(Unavailable) as caught:
        asyncio.run(liar.provider().metadata())
    assert caught.value.retry_after
    assert len(liar.server.asked) == outbound.TRIES
    assert ("GET", "/elsewhere") not in liar.server.asked


def test_a_provider_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_S", 0.2)
    with pytest.raises(Unavailable):
        asyncio.run(_stalled())


async def _stalled() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await asyncio.sleep(2)
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await outbound.send("GET", f"http://127.0.0.1:{port}/")


def exchange(liar: Liar, **more: Any) -> Tokens:
    return asyncio.run(liar.provider(**more).exchange("code", "verifier", "http://127.0.0.1/callback"))


def test_what_a_code_is_worth(liar: Liar) -> None:
    liar.answers["/token"] = Answer(content=b'{"access_token": "a", "id_token": "i", "expires_in": 5, "x": 1}')
    assert exchange(liar) == Tokens("a", "i", None, 5)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(400, b'{"error": "invalid_grant"}'), GrantRefused),
        (Answer(401, b'{"error": "invalid_client"}'), Internal),
        (Answer(400, b"no json"), Internal),
        (Answer(200, b"{}"), Unavailable),
        (Answer(429, b"{}"), Unavailable),
        (Answer(503, b"{}"), Unavailable),
    ],
)
def test_what_a_refused_code_is(liar: Liar, answer: Answer, error: type[Exception]) -> None:
    liar.answers["/token"] = answer
    with pytest.raises(error):
        exchange(liar)
    assert liar.server.asked.count(("POST", "/token")) == 1, "a code is good once: it is not sent again"


def logout(liar: Liar, **changed: Any) -> dict[str, Any]:
    token = liar.sign(liar.logout_claims(**changed), typ="logout+jwt")
    return asyncio.run(liar.provider().verify_logout_token(token))


def test_a_good_logout_token(liar: Liar) -> None:
    assert logout(liar)["sid"] == "s"
    assert logout(liar, sid=None)["sub"] == "alice"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"events": None},
        {"events": {}},
        {"events": {LOGOUT_EVENT: "yes"}},
        {"events": [LOGOUT_EVENT]},
        {"nonce": "n"},
        {"jti": None},
        {"jti": ""},
        {"iat": None},
        {"iat": 1},
        {"iat": 4_000_000_000},
        {"exp": 1},
        {"sid": None, "sub": None},
        {"sid": 7, "sub": None},
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_wrong_logout_tokens(liar: Liar, changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        logout(liar, **changed)


def test_an_id_token_ends_no_session(liar: Liar) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(liar.provider().verify_logout_token(liar.sign(liar.claims())))


def test_user_information_of_somebody_else(liar: Liar) -> None:
    liar.answers["/me"] = Answer(content=b'{"sub": "mallory", "groups": ["admins"]}')
    with pytest.raises(Unauthenticated, match="somebody else"):
        asyncio.run(liar.provider().describe(Tokens("access"), {"sub": "alice"}))


def test_user_information_adds_groups(liar: Liar) -> None:
    liar.answers["/me"] = Answer(content=b'{"sub": "alice", "groups": ["g"], "name": "old"}')
    told = asyncio.run(liar.provider().describe(Tokens("access"), {"sub": "alice", "name": "new"}))
    assert told == {"sub": "alice", "groups": ["g"], "name": "new"}
    liar.answers["/me"] = Answer(401)
    with pytest.raises(Unauthenticated):
        asyncio.run(liar.provider().describe(Tokens("access"), {"sub": "alice"}))
    assert asyncio.run(liar.provider().describe(Tokens("access"), {"groups": []})) == {"groups": []}


@pytest.mark.parametrize(
    ("secret", "methods", "in_form", "in_header"),
    [
        ("s+/: ü", ["client_secret_basic"], False, "Basic bWFpbnNwcmluZzpzJTJCJTJGJTNBKyVDMyVCQw=="),
        ("s", ["client_secret_post"], True, None),
        ("", ["none"], False, None),
    ],
)
def test_how_the_client_proves_itself(secret: str, methods: list[str], in_form: bool, in_header: str | None) -> None:
    metadata = oidc.Metadata("i", "a", "t", "j", token_endpoint_auth_methods_supported=tuple(methods))
    provider = oidc.Provider(oidc.Client("https://i", CLIENT_ID, secret, "openid"))
    form, headers = provider._authentication(metadata)
    assert ("client_secret" in form) is in_form
    assert headers.get("Authorization") == in_header
