"""A connection that is kept: to fetch one from a pool and give it back costs as much as a small transaction."""

from __future__ import annotations

from sqlalchemy import Connection, Engine


class KeptConnection:
    """The one connection of a thread, opened when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def get(self) -> Connection:
        """Return the connection."""
        self._connection = self._connection or self._engine.connect()
        return self._connection

    def let_go(self) -> None:
        """Close the connection, which may be broken: the next one is new."""
        if self._connection:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
