"""Wire contracts of artifacts."""

from __future__ import annotations

import posixpath
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Artifact(Struct, frozen=True):
    """A file with its size in bytes, or a folder with None; ``path`` counts from the location that was asked.

    ``sha256``, in hexadecimal digits, is None where it is not known.
    """

    path: str
    is_dir: bool
    size: int | None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


class Artifacts(Struct):
    """What lies directly in a folder, by path. ``next_page_token`` is None at the end."""

    items: list[Artifact]
    next_page_token: str | None = None


class SignedUrl(Struct):
    """A request that needs no credentials until ``expires_at``, in ms since the epoch.

    ``headers`` must be sent as they are. ``direct`` says whether it goes to the store itself, past this server.
    """

    method: str
    url: str
    headers: dict[str, str]
    expires_at: int
    direct: bool


class UploadMethod(StrEnum):
    """How a file is to come: by one signed request, by signed parts, or by the ordinary PUT of the artifact."""

    SINGLE = "single"
    PARTS = "parts"
    PROXY = "proxy"


class UploadState(StrEnum):
    """How far an upload has come: a completed one has become a file."""

    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"


class UploadCreate(Struct):
    """A file that is to be uploaded: its size in bytes and its SHA-256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str


class UploadedPart(Struct):
    """A part that has come: ``number`` counts from 1, ``size`` is in bytes."""

    number: int
    size: int


class Upload(Struct):
    """An upload under way.

    Its parts count from 1; each is of ``part_size`` bytes, the last one of what is left, and ``single`` has but one.
    ``uploaded`` are those that have come. ``upload_id`` is None for the ordinary PUT, which needs none.
    """

    upload_id: str | None
    path: str
    size: int
    sha256: str
    method: UploadMethod
    part_size: int
    state: UploadState = UploadState.OPEN
    uploaded: list[UploadedPart] = []


class PartNumbers(Struct):
    """Which parts of an upload are to be signed."""

    numbers: list[int]


class SignedUrls(Struct):
    """Signed requests in the order of the numbers that were asked for."""

    items: list[SignedUrl]


class SignedDownload(Struct):
    """How to read a file. ``sha256``, in hexadecimal digits, is None where it is not known.

    Where ``verified`` is False it is what the client that uploaded the file has said.
    """

    path: str
    size: int
    etag: str
    sha256: str | None
    verified: bool
    signed: SignedUrl


class PreviewKind(StrEnum):
    """What is shown of a file: which member of its ``Preview`` is there."""

    TABLE = "table"
    MODEL = "model"
    ONNX = "onnx"
    NOTEBOOK = "notebook"


class TableColumn(Struct):
    """A column of a table; ``type`` is the file's own word for it, ``text`` where it has none."""

    name: str
    type: str


class TablePreview(Struct):
    """A page of a table's rows. A cell is text of at most 1,000 characters, null where there is no value.

    Of ``total_columns`` the first 500 are shown. ``next_page_token`` is null at the end.
    """

    columns: list[TableColumn]
    rows: list[list[str | None]]
    total_columns: int
    next_page_token: str | None = None


class ModelPreview(Struct):
    """What an ``MLmodel`` file says: flavours by name, and the signature as it stands there.

    ``signature`` has ``inputs``, ``outputs`` and ``params``, each JSON text, as MLflow writes them; every other scalar
    is text too.
    """

    flavors: dict[str, Any] = {}
    signature: dict[str, Any] | None = None
    model_uuid: str | None = None
    mlflow_version: str | None = None
    utc_time_created: str | None = None
    model_size_bytes: int | None = None
    metadata: dict[str, Any] | None = None


class OnnxValue(Struct):
    """An input or output of a graph. A size is a number, a name, or ``?``; ``shape`` is null where it is not said."""

    name: str
    type: str
    shape: list[str] | None = None


class OnnxPreview(Struct):
    """What an ONNX file says of its graph.

    ``opsets`` are versions by domain; ``operators`` tells how often each stands in the graph, the most frequent first;
    ``parameters`` is how many numbers its weights are.
    """

    ir_version: int = 0
    producer: str = ""
    graph: str = ""
    opsets: dict[str, int] = {}
    inputs: list[OnnxValue] = []
    outputs: list[OnnxValue] = []
    operators: dict[str, int] = {}
    nodes: int = 0
    parameters: int = 0


class NotebookOutput(Struct):
    """An output of a cell: ``text``, ``html`` that is safe to show, or an ``image`` in base64."""

    text: str | None = None
    html: str | None = None
    image: str | None = None
    image_type: str | None = None
    is_error: bool = False


class NotebookCell(Struct):
    """A cell, its ``kind`` markdown, code or raw; ``number`` is when it was run, in order."""

    kind: str
    source: str
    number: int | None
    outputs: list[NotebookOutput]


class NotebookPreview(Struct):
    """The first 500 cells of a notebook."""

    language: str
    cells: list[NotebookCell]
    total_cells: int


class Preview(Struct):
    """What is shown of a file of ``size`` bytes without reading all of it: the member that ``kind`` names."""

    path: str
    size: int
    kind: PreviewKind
    table: TablePreview | None = None
    model: ModelPreview | None = None
    onnx: OnnxPreview | None = None
    notebook: NotebookPreview | None = None


class Frame(StrEnum):
    """How a page of HTML is sent to be shown: by itself alone, or with what it wants from the network."""

    OFFLINE = "offline"
    ONLINE = "online"
