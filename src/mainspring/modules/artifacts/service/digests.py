"""SHA-256 of files: computed while they are written, checked before they are visible, told in headers.

Sources: RFC 9530 (``Content-Digest``, ``Repr-Digest``), Amazon S3 (``X-Amz-Checksum-Sha256``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator

from mainspring.kit.errors import InvalidArgument

_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):[ \t]*")


class Sha256:
    """The hash of a file while it is written; it objects in the end to one that is not what was announced."""

    def __init__(self, announced: str | None = None) -> None:
        """``announced`` is what the client has said, in hexadecimal digits."""
        self._announced = announced
        self._hash = hashlib.sha256()

    @property
    def hexdigest(self) -> str:
        """The hash of what has come so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def update(self, piece: bytes | memoryview, /) -> None:
        """Take the next piece."""
        self._hash.update(piece)

    def finish(self) -> None:
        """Raise InvalidArgument if all that has come is not what was announced."""
        if self._announced not in (None, self.hexdigest):
            raise InvalidArgument(
                f"The file that came has the SHA-256 {self.hexdigest}, announced was {self._announced}: it was changed "
                "on its way, or while it was read. Nothing was stored.",
                field="Content-Digest",
            )


async def checked(chunks: AsyncIterator[bytes], announced: str) -> AsyncIterator[bytes]:
    """Pass chunks on, and raise InvalidArgument in place of their end if they are not what was announced."""
    digest = Sha256(announced)
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    digest.finish()


def announced_sha256(content_digest: str | None, amazon: str | None) -> str | None:
    """Return the SHA-256 that the headers of an upload announce, in hexadecimal digits, or None.

    ``content_digest`` is ``Content-Digest``, whose other algorithms are passed over; ``amazon`` is
    ``X-Amz-Checksum-Sha256``. Raises InvalidArgument for what is no SHA-256, and for two that differ.
    """
    members = _members(content_digest) if content_digest else {}
    given = [
        _hex(text, name)
        for name, text in (("Content-Digest", members.get("sha-256")), ("X-Amz-Checksum-Sha256", amazon))
        if text is not None
    ]
    if len(set(given)) > 1:
        raise InvalidArgument("Content-Digest and X-Amz-Checksum-Sha256 announce two files.", field="Content-Digest")
    return given[0] if given else None


def digest_field(sha256: str) -> str:
    """Return the value of ``Content-Digest`` and ``Repr-Digest`` for a hash in hexadecimal digits."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def _members(field: str) -> dict[str, str]:
    """Return algorithm → base64 of a digest field, a dictionary of byte sequences (RFC 8941)."""
    members = {}
    for text in field.split(","):
        match = _MEMBER.fullmatch(text)
        if match is None:
            raise InvalidArgument(
                f"Content-Digest is '{field[:200]}'; it must be like sha-256=:base64 of the hash:.",
                field="Content-Digest",
            )
        members[match[1]] = match[2]
    return members


def _hex(text: str, field: str) -> str:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise InvalidArgument(f"{field} announces '{text[:200]}', which is no SHA-256 in base64.", field=field)
    return digest.hex()
