"""Doubles of the services that keep keys: Vault's transit engine and AWS KMS, as far as we ask them.

Neither can be had in tests. The doubles check what they are asked as the real ones do, and encrypt for real.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Answer = tuple[int, dict[str, Any]]


class Transit:
    """Vault's transit engine, mounted at ``transit``, with keys of the kind aes256-gcm96 and one good token."""

    TOKEN = "vault-token-of-a-test"

    def __init__(self) -> None:
        self.keys: dict[str, list[bytes]] = {}

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Answer one request of the HTTP API."""
        if headers.get("X-Vault-Token") != self.TOKEN:
            return 403, {"errors": ["permission denied"]}
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] != "transit":
            return 404, {"errors": ["no handler for route"]}
        given = json.loads(body) if body else {}
        if parts[1] == "keys" and method == "GET":
            return self._read(parts[2])
        if parts[1] == "keys" and parts[3:] == ["rotate"]:
            self.keys.setdefault(parts[2], []).append(os.urandom(32))
            return 200, {"data": {}}
        if parts[1] == "encrypt":
            return self._encrypt(parts[2], given)
        return self._decrypt(parts[2], given)

    def _read(self, name: str) -> Answer:
        if name not in self.keys:
            return 404, {"errors": []}
        versions = {str(number + 1): 0 for number in range(len(self.keys[name]))}
        told = {"keys": versions, "latest_version": len(versions), "min_decryption_version": 1}
        return 200, {"data": told}

    def _encrypt(self, name: str, given: dict[str, Any]) -> Answer:
        versions = self.keys.setdefault(name, [os.urandom(32)])
        nonce = os.urandom(12)
        plain = base64.b64decode(given["plaintext"])
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, plain, base64.b64decode(given["associated_data"]))
        number = len(versions)
        ciphertext = f"vault:v{number}:{base64.b64encode(sealed).decode()}"
        return 200, {"data": {"ciphertext": ciphertext, "key_version": number}}

    def _decrypt(self, name: str, given: dict[str, Any]) -> Answer:
        _, version, text = given["ciphertext"].split(":")
        number = int(version.removeprefix("v"))
        if number > len(self.keys.get(name, [])):
            return 400, {"errors": ["invalid ciphertext: version is too new"]}
        try:
            sealed = base64.b64decode(text)
            context = base64.b64decode(given["associated_data"])
            plain = AESGCM(self.keys[name][number - 1]).decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


class Kms:
    """AWS KMS with one key, ``alias/mainspring``."""

    ARN = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
    NAMES = frozenset({ARN, "alias/mainspring"})

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Answer one request of the JSON protocol, whose signature must be there."""
        if "AWS4-HMAC-SHA256" not in headers.get("Authorization", ""):
            return 400, {"__type": "IncompleteSignatureException"}
        given = json.loads(body)
        if given["KeyId"] not in self.NAMES:
            return 400, {"__type": "NotFoundException", "message": f"Key '{given['KeyId']}' does not exist"}
        action = headers["X-Amz-Target"].removeprefix("TrentService.")
        if action == "DescribeKey":
            return 200, {"KeyMetadata": {"Arn": self.ARN, "KeyId": self.ARN.rpartition("/")[2], "KeyState": "Enabled"}}
        context = json.dumps(given["EncryptionContext"], sort_keys=True).encode()
        if action == "Encrypt":
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(self._key).encrypt(nonce, base64.b64decode(given["Plaintext"]), context)
            return 200, {"CiphertextBlob": base64.b64encode(sealed).decode(), "KeyId": self.ARN}
        try:
            sealed = base64.b64decode(given["CiphertextBlob"])
            plain = AESGCM(self._key).decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            return 400, {"__type": "InvalidCiphertextException", "message": ""}
        return 200, {"Plaintext": base64.b64encode(plain).decode(), "KeyId": self.ARN}


@contextmanager
def listening(service: Transit | Kms) -> Iterator[str]:
    """Yield the address at which a double listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, told = service.answer(self.command, self.path, self.headers, body)
            answer = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_PUT = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
