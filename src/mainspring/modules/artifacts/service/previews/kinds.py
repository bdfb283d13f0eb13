"""Which files there are previews of, by their names."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.kit.pages import position_of, token_of
from mainspring.modules.artifacts.schemas import Preview, PreviewKind, TablePreview
from mainspring.modules.artifacts.service.previews.delimited import read_delimited
from mainspring.modules.artifacts.service.previews.model_files import LARGEST_MODEL_FILE, read_model_file
from mainspring.modules.artifacts.service.previews.notebooks import LARGEST_NOTEBOOK, read_notebook
from mainspring.modules.artifacts.service.previews.onnx import read_onnx
from mainspring.modules.artifacts.service.previews.parquet import read_parquet
from mainspring.modules.artifacts.service.previews.reading import Source

TableReader = Callable[[Source, int, int], tuple[TablePreview, int | None]]
_TABLES: dict[str, TableReader] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
    ".pq": read_parquet,
}


def read_preview(source: Source, mark: str, max_rows: int, page_token: str | None) -> Preview:
    """Return what is shown of a file; ``mark`` ties tokens of pages to it. Raises InvalidArgument or TooLarge."""
    extension = posixpath.splitext(source.name)[1].lower()
    if reader := _TABLES.get(extension):
        place = position_of(page_token, mark, [int])[0] if page_token else 0
        if place < 0:
            raise InvalidArgument(f"Invalid page token '{page_token}': it is of no place in the file.")
        table, following = reader(source, place, max_rows)
        table.next_page_token = token_of(mark, [following]) if following is not None else None
        return Preview(source.name, source.size, PreviewKind.TABLE, table=table)
    if extension == ".onnx":
        return Preview(source.name, source.size, PreviewKind.ONNX, onnx=read_onnx(source))
    if extension == ".ipynb":
        notebook = read_notebook(source.name, _whole(source, LARGEST_NOTEBOOK))
        return Preview(source.name, source.size, PreviewKind.NOTEBOOK, notebook=notebook)
    if source.name == "MLmodel":
        model = read_model_file(_whole(source, LARGEST_MODEL_FILE))
        return Preview(source.name, source.size, PreviewKind.MODEL, model=model)
    kinds = ", ".join([*_TABLES, ".onnx", ".ipynb"])
    raise InvalidArgument(f"There is no preview of '{source.name}': there is of {kinds} and MLmodel.", field="path")


def _whole(source: Source, limit: int) -> bytes:
    if source.size > limit:
        raise TooLarge(f"'{source.name}' has {source.size} bytes; up to {limit} are shown: download it.", field="path")
    return source.fetch(0, source.size)
