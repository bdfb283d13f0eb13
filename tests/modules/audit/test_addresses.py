"""Where webhooks may go: never inside of our own network, whatever a name says and whenever it says it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.audit.schemas import Webhook, WebhookFormat, WebhookStatus
from mainspring.modules.audit.service import addresses, sending
from mainspring.modules.audit.service.addresses import check_url, is_public
from tests.components.receiver import receiving

PUBLIC = "1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 100.63.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1".split()
PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1
    255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808
    64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1
    fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
""".split()


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidArgument, match="not on the public internet"):
        check_url(f"https://{host}/hook", private_addresses=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "unix:///var/run/docker.sock",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://[::1/",
        "https://exa mple.com/",
        "https://example.com/\r\nX-Evil: 1",
        "https://example.com/\0",
        "https://" + "a" * 2050,
        "https://localhost/",
        "https://LOCALHOST./",
        "https://x.localhost/",
    ],
)
def test_what_is_no_url_of_a_webhook(url: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_url(url, private_addresses=False)
    assert "password" not in refused.value.message.replace("nor password", "")


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "http://example.com:8080", "https://1.1.1.1/"])
def test_urls_of_webhooks(url: str) -> None:
    check_url(url, private_addresses=False)


def outcome_of(url: str, private_addresses: bool = False) -> sending.Outcome:
    webhook = Webhook("i", "w", url, [], WebhookFormat.MAINSPRING, WebhookStatus.ACTIVE, False, "", 0, 0)
    return asyncio.run(sending.send(sending.Message(webhook, None, "d", "{}"), private_addresses))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"]
)
def test_however_it_is_written_nothing_is_sent(host: str) -> None:
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = outcome_of(f"http://{host}:{port}/ok")
        assert outcome.status is None
        assert outcome.error
        assert receiver.received == []


class Names:
    """Answers for names: each time the next of a name's answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]) -> None:
        self.asked: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, port: Any, *more: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name.partition(".")[0] not in answers:
                return real(host, port, *more, **options)
            self.asked.append(name)
            given = answers[name.partition(".")[0]]
            found = given.pop(0) if len(given) > 1 else given[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["169.254.169.254"]])
def test_a_name_that_leads_inside_is_blocked(monkeypatch: pytest.MonkeyPatch, answer: list[str]) -> None:
    Names(monkeypatch, hook=[answer])
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = outcome_of(f"http://hook.example.com:{port}/ok")
        assert outcome.error == "hook.example.com is not on the public internet"
        assert receiver.received == []


def test_a_name_is_looked_up_once_and_that_address_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first answer passes for public here; what the name says afterwards must not matter.
    names = Names(monkeypatch, hook=[["127.0.0.1"], ["127.0.0.2"]])
    monkeypatch.setattr(addresses, "is_public", lambda address: str(address) == "127.0.0.1")
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = outcome_of(f"http://hook.example.com:{port}/ok")
        assert outcome.status == 200
        assert names.asked == ["hook.example.com"]
        assert receiver.received[0].headers["host"] == f"hook.example.com:{port}"


def test_the_next_address_is_taken_where_one_does_not_let_us_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, hook=[["127.0.0.9", "127.0.0.1"]])
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        assert outcome_of(f"http://hook.example.com:{port}/ok", private_addresses=True).status == 200
        assert len(receiver.received) == 1


def test_proxies_of_the_environment_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert outcome_of(f"{receiver.url}/ok", private_addresses=True).status == 200
        assert proxy.received == []


def certificate(folder: Path, name: str) -> Path:
    """Return the file of a key and a certificate for a name, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(("name", "taken"), [("hook.example.com", True), ("other.example.com", False)])
def test_the_certificate_is_held_against_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, taken: bool
) -> None:
    Names(monkeypatch, hook=[["127.0.0.1"]])
    file = certificate(tmp_path, name)
    trusting = ssl.create_default_context(cafile=file)
    monkeypatch.setattr(sending, "_trusted", lambda: trusting)
    with receiving(file) as receiver:
        port = receiver.url.rpartition(":")[2]
        outcome = outcome_of(f"https://hook.example.com:{port}/ok", private_addresses=True)
        assert (outcome.status == 200) is taken
        assert len(receiver.received) == int(taken)
        if not taken:
            assert "certificate" in str(outcome.error).lower()
