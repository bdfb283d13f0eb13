"""Tables of a server as Polars frames."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mainspring.kit.errors import Unsupported

if TYPE_CHECKING:
    import polars


def frame_of(streams: Iterable[bytes]) -> polars.DataFrame:
    """Return the frame of Arrow streams, one below the other, with the columns of all.

    Raises Unsupported where Polars is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise Unsupported("Frames need Polars: pip install 'mainspring[polars]'.") from error
    return polars.concat([polars.read_ipc_stream(io.BytesIO(stream)) for stream in streams], how="diagonal")
