"""A page of rows of a Parquet file, read by a process of its own with little memory and time.

A few bytes of Parquet may stand for any number of values, and what a file says of itself is anyone's word: what
reads it may die of it, and nothing else does. It asks for the parts of the file that it needs, and has no other way
to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec

from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.modules.artifacts.schemas import TableColumn, TablePreview
from mainspring.modules.artifacts.service.previews import parquet_process
from mainspring.modules.artifacts.service.previews.reading import Source

MEMORY_BYTES = 1024**3
_LARGEST_PART = 64 * 1024 * 1024
_LARGEST_ANSWER = 16 * 1024 * 1024
_PROGRAM = str(Path(parquet_process.__file__))


class _Answer(msgspec.Struct):
    columns: list[TableColumn] = []
    rows: list[list[str | None]] = []
    total_columns: int = 0
    following: int | None = None
    error: str | None = None


def read_parquet(source: Source, place: int, count: int) -> tuple[TablePreview, int | None]:
    """Return up to ``count`` rows from the row ``place`` on, counted from 0, and the row the next page starts at.

    Raises InvalidArgument for what is no Parquet file, TooLarge for what needs too much memory or time.
    """
    wanted = [str(number) for number in (source.size, place, count, MEMORY_BYTES, int(source.seconds_left) + 1)]
    # Nothing of this process's environment is its business.
    process = subprocess.Popen(
        [sys.executable, "-I", _PROGRAM, *wanted],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
        start_new_session=True,
    )
    timer = threading.Timer(source.seconds_left, process.kill)
    timer.start()
    try:
        answer = _serve(source, process)
    except BrokenPipeError as error:
        raise _too_much(source) from error
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    if answer.error is not None:
        raise InvalidArgument(f"'{source.name}' is no Parquet file that can be read: {answer.error}", field="path")
    return TablePreview(answer.columns, answer.rows, answer.total_columns), answer.following


def _serve(source: Source, process: subprocess.Popen[bytes]) -> _Answer:
    """Give the process the parts of the file that it asks for, until it answers."""
    assert process.stdin  # both are pipes
    assert process.stdout
    with process.stdin, process.stdout:
        while line := process.stdout.readline(100):
            word, *numbers = line.split()
            if word == b"answer":
                return _decoded(process.stdout.read(min(int(numbers[0]), _LARGEST_ANSWER)))
            start, end = map(int, numbers)
            if end - start > _LARGEST_PART:
                break
            process.stdin.write(source.fetch(start, end))
            process.stdin.flush()
    raise _too_much(source)


def _too_much(source: Source) -> TooLarge:
    return TooLarge(
        f"'{source.name}' needs more than {MEMORY_BYTES // 1024**2} MiB of memory, or too long, to be shown: "
        "download it.",
        field="path",
    )


def _decoded(answer: bytes) -> _Answer:
    return msgspec.json.decode(answer, type=_Answer)
