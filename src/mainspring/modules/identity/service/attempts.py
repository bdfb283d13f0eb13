"""Throttling of sign-ins: who fails often waits longer and longer, counted in the database for all processes.

Failures are counted by the account from that address, by the account from anywhere, and by the address. No wait is
longer than five minutes, and an address from which the account was signed in lately is not kept out by what others
fail elsewhere: nobody is locked out for long by an attacker.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mainspring.kit.errors import RateLimited
from mainspring.kit.time import now_ms
from mainspring.modules.identity.store import credentials, sign_ins
from mainspring.modules.identity.store.sign_ins import Failures

FORGOTTEN_MS = 3_600_000
"""Failures before a pause of an hour count no more."""
KNOWN_MS = 90 * 86_400_000
"""For so long an address is known as one from which the account was signed in."""


@dataclass(frozen=True, slots=True)
class Rule:
    """After ``free`` failures in a row the next attempt waits 1 s, then 2 s, 4 s, …, at most ``longest_s``."""

    free: int
    longest_s: int

    def wait_s(self, failures: int) -> int:
        """Return how many seconds lie between the last of so many failures and the next attempt."""
        return 0 if failures < self.free else int(min(2 ** min(failures - self.free, 20), self.longest_s))


ACCOUNT_HERE = Rule(free=8, longest_s=300)
ACCOUNT = Rule(free=30, longest_s=60)
ADDRESS = Rule(free=60, longest_s=60)


def begin_attempt(tx: Connection, name: str, address: str) -> None:
    """Count an attempt as failed until it has succeeded. Raises RateLimited for one that comes too soon.

    It is counted before the password is looked at, so that many that come at once are not all for nothing.
    """
    credentials.lock_access(tx)
    now = now_ms()
    here, anywhere, there = subjects = _subjects(name, address)
    found = sign_ins.find_failures(tx, subjects)
    noted = {subject: _fresh(found.get(subject, Failures()), now) for subject in subjects}
    rules = {here: ACCOUNT_HERE, anywhere: ACCOUNT, there: ADDRESS}
    if _is_known(noted[here], now):
        del rules[anywhere]
    wait = max(rule.wait_s(noted[each].failures) * 1000 - (now - noted[each].last_at) for each, rule in rules.items())
    if wait > 0:
        seconds = math.ceil(wait / 1000)
        raise RateLimited(f"Too many sign-ins have failed; try again in {seconds} s.", retry_after=seconds)
    failed = [(each, replace(was, failures=was.failures + 1, last_at=now)) for each, was in noted.items()]
    sign_ins.set_failures(tx, failed)


def end_attempt(tx: Connection, name: str, address: str) -> None:
    """Note that an attempt has succeeded: the account's failures are forgotten, the address's but for this one stay."""
    credentials.lock_access(tx)
    now = now_ms()
    here, anywhere, there = _subjects(name, address)
    at_address = sign_ins.find_failures(tx, [there]).get(there, Failures(1, now))
    known = [(here, Failures(0, now, now)), (anywhere, Failures(0, now))]
    sign_ins.set_failures(tx, [*known, (there, replace(at_address, failures=max(0, at_address.failures - 1)))])


def begin_guess(tx: Connection, address: str) -> None:
    """Count the use of a one-time token as ``begin_attempt`` does, by the address alone."""
    begin_attempt(tx, f"@{address}", address)


def end_guess(tx: Connection, address: str) -> None:
    """Note that a one-time token was good."""
    end_attempt(tx, f"@{address}", address)


def drop_forgotten(tx: Connection) -> int:
    """Delete what counts no more; return how many subjects."""
    now = now_ms()
    return sign_ins.delete_failures(tx, now - FORGOTTEN_MS, now - KNOWN_MS)


def _fresh(found: Failures, now: int) -> Failures:
    return found if now - found.last_at < FORGOTTEN_MS else replace(found, failures=0)


def _is_known(here: Failures, now: int) -> bool:
    return here.good_at is not None and now - here.good_at < KNOWN_MS


def _subjects(name: str, address: str) -> tuple[bytes, bytes, bytes]:
    """Return what stands for the account from that address, for the account, and for the address."""
    network = network_of(address)
    texts = (f"account {name} from {network}", f"account {name}", f"address {network}")
    here, anywhere, there = (hashlib.sha256(text.encode()).digest() for text in texts)
    return here, anywhere, there


def network_of(address: str) -> str:
    """Return what one client has of an address: of version 6 a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
