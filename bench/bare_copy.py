"""Copy a file to or from an object store with obstore and nothing else, as `bench.s3` compares it with the server.

`python -m bench.bare_copy put|get URL FILE` prints the CPU seconds of the copy and its growth of memory in MiB. Keys
and endpoint come from the environment, as they do for the server.
"""

import os
import sys
from pathlib import Path

import obstore
from obstore.store import from_url

from bench.processes import MIB, forget_peaks, peak_mib, resident_mib

PART_BYTES = 5 * MIB


def put(url: str, path: Path) -> None:
    """Put a file in parts, one under way at a time."""
    with path.open("rb") as source:
        obstore.put(bucket(url), path.name, source, chunk_size=PART_BYTES, max_concurrency=1)


def get(url: str, path: Path) -> None:
    """Get a file chunk by chunk, into another one beside it that is removed again."""
    copy = path.with_name(f"copy-of-{path.name}")
    with copy.open("wb") as target:
        for chunk in obstore.get(bucket(url), path.name).stream(min_chunk_size=MIB):
            target.write(chunk)
    size = copy.stat().st_size
    copy.unlink()
    if size != path.stat().st_size:
        raise SystemExit(f"{size} bytes came back of {path.stat().st_size}")


def bucket(url: str) -> obstore.store.ObjectStore:
    """Return the store that a URL names."""
    return from_url(url, client_options={"allow_http": True, "timeout": "10m"})


if __name__ == "__main__":
    copy = {"put": put, "get": get}[sys.argv[1]]
    resident, before = resident_mib(os.getpid()), sum(os.times()[:2])
    forget_peaks(os.getpid())
    copy(sys.argv[2], Path(sys.argv[3]))
    print(sum(os.times()[:2]) - before, peak_mib(os.getpid()) - resident)
