"""What object stores mean by their errors, in words for people: obstore tells it in a dump, S3 in XML."""

import re

from mainspring.kit.errors import Unavailable

_SHOWN = 200
_RETRY_S = 5
_FULL = re.compile(r"^507|QuotaExceeded|StorageFull|InsufficientStorage|InsufficientCapacity|NoSpaceLeft")
_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
_FIELDS = (re.compile(r"<Code>([^<]*)</Code>"), re.compile(r"<Message>([^<]*)</Message>"))
_CAUSES = (
    ("ConnectionRefused", "it refuses connections"),
    ("InvalidCertificate", "its TLS certificate is not trusted"),
    ("dns error", "its name is not known"),
    ("TimedOut", "it did not answer in time"),
    ("kind: Timeout", "it did not answer in time"),
    ("error sending request", "it is not reached, or closes the connection"),
    ("response body", "it closed the connection in the middle of an answer"),
)


def unavailable(url: str, said: str) -> Unavailable:
    """Return the error for a store at ``url`` that failed and said so."""
    reason = _reason(said)[:_SHOWN].rstrip(".")
    if _FULL.search(reason):
        return Unavailable(f"The artifact store '{url}' is full ({reason}): free space, or raise its quota.")
    return Unavailable(f"The artifact store '{url}' failed: {reason}.", retry_after=_RETRY_S)


def _reason(said: str) -> str:
    if status := _STATUS.search(said):
        fields = [found[1] for field in _FIELDS if (found := field.search(said)) and found[1]]
        return ", ".join([status[1].strip(), *fields])
    for sign, words in _CAUSES:
        if sign in said:
            return words
    # The sentence, without the dump that follows.
    return said.partition("\n")[0].strip(" :")
