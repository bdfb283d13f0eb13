"""Object stores: the port in ``port.py``, and which back-end serves which URL."""

from importlib import import_module
from urllib.parse import urlsplit

from mainspring.engines.blobs.port import (
    Blob,
    BlobEntry,
    BlobMeta,
    BlobStore,
    Digest,
    ListPage,
    Part,
    PendingUpload,
    SignedRequest,
)
from mainspring.kit.errors import InvalidArgument

__all__ = [
    "BACKENDS",
    "Blob",
    "BlobEntry",
    "BlobMeta",
    "BlobStore",
    "Digest",
    "ListPage",
    "Part",
    "PendingUpload",
    "SignedRequest",
    "open_store",
]

BACKENDS = {
    "file": "mainspring.engines.blobs.local:LocalBlobStore",
    "s3": "mainspring.engines.blobs.s3:S3BlobStore",
    "gs": "mainspring.engines.blobs.remote:RemoteBlobStore",
    "az": "mainspring.engines.blobs.remote:RemoteBlobStore",
}
"""URL scheme → "module:Class" of the store, whose constructor takes the URL."""


def open_store(url: str) -> BlobStore:
    """Return the store at ``url``: ``file:///folder``, ``s3://bucket/prefix``, ``gs://…`` or ``az://container/prefix``.

    A folder is created where it is missing; no network is touched before the first call. Endpoints,
    regions and keys come from the usual environment variables (``AWS_*``, ``GOOGLE_*``, ``AZURE_*``).
    Raises InvalidArgument for a URL that no back-end takes, Unavailable for a folder that cannot be made.
    """
    scheme = urlsplit(url).scheme
    if scheme not in BACKENDS:
        known = ", ".join(f"{name}://" for name in BACKENDS)
        raise InvalidArgument(f"No artifact store for URLs of scheme '{scheme}://': expected one of {known}.")
    module, _, name = BACKENDS[scheme].partition(":")
    store: BlobStore = getattr(import_module(module), name)(url)
    return store
