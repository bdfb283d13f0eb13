"""Passwords: which are good enough (NIST SP 800-63B), and how they are hashed (argon2id, by OWASP's advice).

A hash takes 46 MiB and about 50 ms of a processor, for whoever guesses as well as for us. So it is made in a thread
between transactions, few at a time: a flood of sign-ins takes neither the memory nor the event loop.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from mainspring.kit.errors import InvalidArgument, RateLimited, Unavailable
from mainspring.kit.names import check_text
from mainspring.modules.identity.service.common_passwords import COMMON, ROWS

T = TypeVar("T")

MIN_LENGTH, MAX_LENGTH = 8, 1024
LEAST_DIFFERENT = 4
LEAST_OF_ITS_OWN = 6
AT_ONCE = 2
MAX_WAITING = 40
BUSY_S = 2

HASHER = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)
NOBODYS_HASH = "$argon2id$v=19$m=47104,t=1,p=1$bm9ib2R5J3Mgb3duIHNhbA$" + "A" * 43
"""What a password is held against where there is no account: it costs the same, and no password fits."""

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
_places = BoundedSemaphore(MAX_WAITING)


def normalized(password: str) -> str:
    """Return a password as it is hashed: however its characters were composed (NFKC), it is the same password.

    What is longer than any password is cut to where that shows.
    """
    return unicodedata.normalize("NFKC", password[: 2 * MAX_LENGTH])


def check_password(password: str, *words: str, field: str = "password") -> None:
    """Raise InvalidArgument for a password that is too short, too common, or made of ``words``: a name, an e-mail."""
    text = normalized(check_text(password, field))
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        right = f"{MIN_LENGTH} to {MAX_LENGTH} characters"
        raise InvalidArgument(f"The password has {len(text)} characters; it must have {right}.", field=field)
    folded = text.casefold()
    if folded in COMMON or folded.rstrip("0123456789!.?") in COMMON or _is_row(folded):
        raise InvalidArgument("The password is one of those that are tried first; choose another.", field=field)
    if len(set(folded)) < LEAST_DIFFERENT or len(_without(folded, words)) < LEAST_OF_ITS_OWN:
        reason = "it repeats few characters, or little but your name, your e-mail address or this product's name"
        raise InvalidArgument(f"The password is easy to guess: {reason}.", field=field)


def _is_row(text: str) -> bool:
    return any(text in row or text in row[::-1] for row in ROWS)


def _without(text: str, words: tuple[str, ...]) -> str:
    """Return what is left of a password without words that are easy to guess from who it is for."""
    parts = "@".join(("mainspring", *words)).casefold().replace("@", " ").split()
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= 3:
            text = text.replace(part, "")
    return text


@contextmanager
def place() -> Iterator[None]:
    """Hold a place among those who wait for a hash. Raises RateLimited where all are taken."""
    if not _places.acquire(blocking=False):
        raise RateLimited("Too many sign-ins are being checked; try again in a moment.", retry_after=BUSY_S)
    try:
        yield
    finally:
        _places.release()


async def hash_password(password: str) -> str:
    """Return the hash to keep of a password that was checked. Raises RateLimited or Unavailable."""
    with place():
        return await _in_thread(lambda: HASHER.hash(normalized(password)))


async def fits(password_hash: str | None, password: str) -> bool:
    """Return whether a password fits a hash; without a hash it takes as long, and does not."""
    return await _in_thread(lambda: _fits(password_hash or NOBODYS_HASH, normalized(password)))


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with other parameters than those of today."""
    return HASHER.check_needs_rehash(password_hash)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    except (HashingError, VerificationError, MemoryError) as error:
        raise Unavailable("There is not enough memory to check a password now.", retry_after=BUSY_S) from error
