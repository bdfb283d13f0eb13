"""Of those who write the same state of an item one wins, whichever process each of them is."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import ConditionFailed
from mainspring.modules.catalog.service import find_item
from mainspring.modules.catalog.service.categories import OWN
from mainspring.modules.catalog.service.said import Said
from mainspring.modules.catalog.service.transactions import Conditions, NewItem, create_items, etag_of, put_item
from mainspring.modules.services import Services
from tests.modules.catalog.conftest import World

DATASET = OWN[1]
WRITERS = 6


def test_of_those_who_write_the_same_state_one_wins(world: World) -> None:
    async def write(services: Services, number: int, etag: str) -> str | None:
        said = Said({"title": f"Writer {number}"})
        try:
            await put_item(services, LOCAL, DATASET, "floods", Conditions(f'"{etag}"'), lambda *_: said)
        except ConditionFailed:
            return None
        return f"Writer {number}"

    async def race() -> None:
        async with AsyncExitStack() as stack:
            # On SQLite one process writes; on PostgreSQL there may be several.
            many = 2 if world.url.startswith("postgresql") else 1
            processes = [await stack.enter_async_context(world.open()) for _ in range(many)]
            await create_items(processes[0], LOCAL, DATASET, [NewItem("floods", "", Said({"title": "First"}))])
            for _ in range(3):
                found = await processes[0].db.read(find_item, LOCAL, DATASET.id, "floods")
                each = (write(processes[number % many], number, etag_of(*found)) for number in range(WRITERS))
                won = [title for title in await asyncio.gather(*each) if title]
                record, _ = await processes[0].db.read(find_item, LOCAL, DATASET.id, "floods")
                assert len(won) == 1, won
                assert f'"title":"{won[0]}"' in record.content

    asyncio.run(race())
