"""What a Jupyter notebook holds, in bounds, its HTML made safe. Source: https://nbformat.readthedocs.io"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.artifacts.schemas import NotebookCell, NotebookOutput, NotebookPreview

LARGEST_NOTEBOOK = 16 * 1024 * 1024
MOST_CELLS = 500
_MOST_OUTPUTS = 20
_LONGEST_TEXT = 20_000
_LONGEST_HTML = 200_000
_LARGEST_IMAGES = 8 * 1024 * 1024
_IMAGES = ("image/png", "image/jpeg", "image/gif")
# Colours of a terminal, and its other commands.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_TAGS = frozenset(
    "b blockquote br caption code col colgroup dd div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre s small span strong "
    "sub sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}

Text = str | list[str]


class _Output(msgspec.Struct):
    output_type: str
    text: Text = ""
    data: dict[str, Any] = {}
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []


class _Cell(msgspec.Struct):
    cell_type: str
    source: Text = ""
    execution_count: int | None = None
    outputs: list[_Output] = []


class _Notebook(msgspec.Struct):
    cells: list[_Cell]
    metadata: dict[str, Any] = {}


def read_notebook(name: str, content: bytes) -> NotebookPreview:
    """Return the cells of a notebook. Raises InvalidArgument for what is none of format 4."""
    try:
        notebook = msgspec.json.decode(content, type=_Notebook)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"'{name}' is no notebook of format 4: {error}.", field="path") from error
    room = _Room()
    cells = [_cell(cell, room) for cell in notebook.cells[:MOST_CELLS]]
    return NotebookPreview(_language(notebook.metadata), cells, len(notebook.cells))


class _Room:
    """How many characters of pictures may still come."""

    def __init__(self) -> None:
        self._left = _LARGEST_IMAGES

    def has(self, characters: int) -> bool:
        fits = characters <= self._left
        self._left -= characters if fits else 0
        return fits


def _language(metadata: Mapping[str, Any]) -> str:
    told = metadata.get("kernelspec")
    language = told.get("language") if isinstance(told, dict) else None
    return language[:50] if isinstance(language, str) else "python"


def _cell(cell: _Cell, room: _Room) -> NotebookCell:
    outputs = [found for output in cell.outputs[:_MOST_OUTPUTS] for found in _outputs(output, room)]
    kind = cell.cell_type if cell.cell_type in ("markdown", "code") else "raw"
    return NotebookCell(kind, _joined(cell.source), cell.execution_count, outputs)


def _outputs(output: _Output, room: _Room) -> Iterator[NotebookOutput]:
    """Yield what is shown of an output: of several forms of the same thing the richest that is safe."""
    if output.output_type == "stream":
        yield NotebookOutput(text=_plain(output.text))
    elif output.output_type == "error":
        traceback = _plain("\n".join(output.traceback)) or f"{output.ename}: {output.evalue}"
        yield NotebookOutput(text=traceback[:_LONGEST_TEXT], is_error=True)
    elif image := _image(output.data, room):
        yield image
    elif (html := output.data.get("text/html")) and (clean := _safe(_joined(html))).strip():
        yield NotebookOutput(html=clean)
    elif text := output.data.get("text/plain"):
        yield NotebookOutput(text=_plain(text))


def _image(data: Mapping[str, Any], room: _Room) -> NotebookOutput | None:
    for kind in _IMAGES:
        encoded = "".join(_joined(data.get(kind, ""), _LARGEST_IMAGES).split())
        if encoded and _is_base64(encoded) and room.has(len(encoded)):
            return NotebookOutput(image=encoded, image_type=kind)
    return None


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _safe(html: str) -> str:
    import nh3

    return nh3.clean(html, tags=set(_TAGS), attributes=_ATTRIBUTES, url_schemes=set())


def _plain(text: object) -> str:
    return _ESCAPES.sub("", _joined(text, _LONGEST_TEXT))


def _joined(text: object, limit: int = _LONGEST_HTML) -> str:
    """Return a text that a notebook keeps as one, or as lines."""
    lines = text if isinstance(text, list) else [text]
    return "".join(line for line in lines if isinstance(line, str))[:limit]
