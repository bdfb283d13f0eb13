"""The command line, run in this process against a server."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from mainspring.cli.main import app, run
from tests.components.server import MainspringServer


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Typed = Callable[..., Said]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Give a function that runs ``mainspring`` with the words typed behind it; the code must be ``code``."""
    for name in ("MAINSPRING_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)

    def run_typed(*words: object, code: int = 0) -> Said:
        capsys.readouterr()
        ended = run(app, [str(word) for word in words])
        said = Said(ended, *capsys.readouterr())
        assert said.code == code, f"exit code {said.code}, not {code}:\n{said.out}{said.err}"
        return said

    yield run_typed
    # A command that serves sends the logs of this process to the standard error of this test.
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.fixture
def on_server(typed: Typed, sqlite_server: MainspringServer, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Return ``typed`` with a server to talk to."""
    monkeypatch.setenv("MAINSPRING_URL", sqlite_server.url)
    return typed
