"""Media types of files, by what their names end with, and which files are models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOTIFF = "image/tiff; application=geotiff"
ONNX = "application/onnx"

TYPE_AS: Mapping[str, str] = MappingProxyType(
    {
        "cog": COG,
        "compose": "text/x-yaml; application=compose",
        "geojson": "application/geo+json",
        "geopackage": "application/geopackage+sqlite3",
        "geotiff": GEOTIFF,
        "json": "application/json",
        "notebook": "application/x-ipynb+json",
        "onnx": ONNX,
        "parquet": "application/vnd.apache.parquet",
        "text": "text/plain",
        "xml": "application/xml",
        "yaml": "text/x-yaml",
        "zip": "application/zip",
    }
)
"""What ``type-as`` of an asset may be: SharingHub's names, and a few more."""

PICTURES: Mapping[str, str] = MappingProxyType(
    {
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".webp": "image/webp",
        ".gif": "image/gif",
    }
)

MODELS: Mapping[str, str] = MappingProxyType(
    {
        ".onnx": ONNX,
        ".pt": "application/octet-stream; application=pytorch",
        ".pth": "application/octet-stream; application=pytorch",
        ".pt2": "application/octet-stream; application=pytorch",
        ".ckpt": "application/octet-stream",
        ".safetensors": "application/octet-stream; framework=safetensors",
        ".keras": "application/zip; application=keras",
        ".h5": "application/x-hdf5",
        ".tflite": "application/octet-stream; framework=tflite",
        ".pb": "application/octet-stream; application=tensorflow",
        ".pkl": "application/octet-stream",
        ".pickle": "application/octet-stream",
        ".joblib": "application/octet-stream",
        ".skops": "application/zip; application=skops",
        ".gguf": "application/octet-stream",
        ".ubj": "application/ubjson",
        ".cbm": "application/octet-stream",
    }
)
"""Files that hold a trained model, and their media types."""

DATA: Mapping[str, str] = MappingProxyType(
    {
        ".tif": GEOTIFF,
        ".tiff": GEOTIFF,
        ".geojson": "application/geo+json",
        ".gpkg": "application/geopackage+sqlite3",
        ".parquet": "application/vnd.apache.parquet",
        ".geoparquet": "application/vnd.apache.parquet",
        ".nc": "application/netcdf",
        ".zarr.zip": "application/vnd+zarr",
        ".csv": "text/csv",
        ".cwl": "application/cwl",
    }
)
"""Files that hold data or a program to run; with models they are what a project shares that names no assets."""

_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        **PICTURES,
        **MODELS,
        **DATA,
        ".cog.tif": COG,
        ".cog.tiff": COG,
        ".svg": "image/svg+xml",
        ".jp2": "image/jp2",
        ".txt": "text/plain",
        ".md": "text/markdown",
        ".py": "text/x-python",
        ".r": "text/x-r",
        ".ipynb": "application/x-ipynb+json",
        ".json": "application/json",
        ".jsonl": "application/jsonl",
        ".yaml": "text/x-yaml",
        ".yml": "text/x-yaml",
        ".toml": "application/toml",
        ".xml": "application/xml",
        ".html": "text/html",
        ".pdf": "application/pdf",
        ".zip": "application/zip",
        ".gz": "application/gzip",
        ".tar": "application/x-tar",
        ".npy": "application/octet-stream",
        ".npz": "application/zip",
        ".hdf5": "application/x-hdf5",
        ".shp": "application/vnd.shp",
        ".kml": "application/vnd.google-earth.kml+xml",
        ".laz": "application/vnd.laszip",
        ".sh": "application/x-sh",
    }
)


def ending(path: str, known: Mapping[str, str]) -> str | None:
    """Return which of the endings a path has, the longest one, or None."""
    name = path.rpartition("/")[2].lower()
    parts = name.split(".")[1:][-2:]
    candidates = (f".{'.'.join(parts[place:])}" for place in range(len(parts)))
    return next((each for each in candidates if each in known), None)


def media_type(path: str) -> str | None:
    """Return the media type of a file by its name, None where the name does not tell."""
    if (found := ending(path, _OTHERS)) is not None:
        return _OTHERS[found]
    return "text/plain" if path.rpartition("/")[2].lower() in {"license", "readme", "mlmodel", "makefile"} else None
