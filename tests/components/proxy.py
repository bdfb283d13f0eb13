"""A TCP proxy that stands before a component and fails as networks and full machines do."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

PIECE = 64 * 1024


class Proxy:
    """Passes bytes to ``port`` and back. Set its fields, between requests or in the middle of one, to do worse.

    ``cut_requests`` and ``cut_answers``: close a connection once so many bytes of it went that way.
    ``bytes_per_second``: pass answers and requests no faster, on each connection.
    ``stalled``: take what comes and pass nothing on. ``answer``: say this to each request, which goes
    nowhere, and close.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self.answered_bytes = 0
        self.behave()

    @property
    def url(self) -> str:
        """Where clients connect instead."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._writers) // 2

    def behave(self) -> None:
        """Do nothing but pass bytes on."""
        self.cut_requests: int | None = None
        self.cut_answers: int | None = None
        self.bytes_per_second: int | None = None
        self.answer: bytes | None = None
        self.stalled = False

    def refuse(self) -> None:
        """Refuse connections, those that are open included, until ``accept``."""
        self._do(self._close())

    def accept(self) -> None:
        """Take connections again, at the same port."""
        self._do(self._listen())

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *error: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = {writer}
        try:
            if self.answer:
                return await self._answer(reader, writer)
            answers, there = await asyncio.open_connection("127.0.0.1", self._target)
            mine.add(there)
            self._writers |= mine
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, there, lambda: self.cut_requests))
                both.create_task(self._pass(answers, writer, lambda: self.cut_answers, answers=True))
        except* (ConnectionError, EOFError):
            pass
        finally:
            self._writers -= mine
            for each in mine:
                each.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.answer is not None
        await reader.read(PIECE)
        writer.write(self.answer)
        writer.write_eof()
        while await reader.read(PIECE):
            continue

    async def _say_nothing(self) -> None:
        """Return never: end the connection when all is well again."""
        while self.stalled:
            await asyncio.sleep(0.05)
        raise EOFError

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        limit: Callable[[], int | None],
        *,
        answers: bool = False,
    ) -> None:
        passed = 0
        while piece := await source.read(PIECE):
            passed += len(piece)
            most = limit()
            if self.answer or (most is not None and passed > most):
                raise EOFError
            if self.bytes_per_second:
                await asyncio.sleep(len(piece) / self.bytes_per_second)
            if self.stalled:
                await self._say_nothing()
            target.write(piece)
            await target.drain()
            if answers:
                self.answered_bytes += len(piece)
        raise EOFError
