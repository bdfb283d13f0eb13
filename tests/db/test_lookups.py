"""Lookups on PostgreSQL, which a thread carries out: who waits for it does not wait without end."""

import asyncio
import threading
import time
from typing import Any

import pytest
from sqlalchemy import Connection

from mainspring.db import lookups
from mainspring.db.engine import check_url
from mainspring.db.lookups import Lookup, Lookups
from mainspring.kit.errors import Unavailable


def test_a_database_that_does_not_answer_is_said_to_be_busy(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also to those who came while it did not answer, and to those who came after these had given up."""
    monkeypatch.setattr(lookups, "ANSWER_WAIT_S", 0.3)
    answers = threading.Event()

    def look(_tx: Connection, calls: list[tuple[Any, ...]]) -> list[int]:
        answers.wait(20)
        return [n for (n,) in calls]

    lookup: Lookup[[int], int] = Lookup(look)

    async def run() -> None:
        looks = Lookups(check_url(postgres_database))
        try:
            for number in range(3):
                began = time.monotonic()
                with pytest.raises(Unavailable, match="it has not answered"):
                    await looks.get(lookup, number)
                assert 0.2 < time.monotonic() - began < 10
            answers.set()
            assert await looks.get(lookup, 7) == 7
        finally:
            answers.set()
            looks.close()

    asyncio.run(run())
