"""The formats in which models are stored, the safest that a model allows being the default.

``skops`` holds scikit-learn estimators and makes only types that are known to be safe, or that the
caller trusts by name. ``onnx`` holds a graph and no code. ``pickle`` holds any Python object, and
runs whatever code its writer chose when it is loaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any

from mainspring.kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
    TooLarge,
    Unavailable,
    Unsupported,
)
from model_management.storage import Payload

if TYPE_CHECKING:
    import onnx

FORMATS = ("skops", "onnx", "pickle")
ONNX_LIMIT = 2**31 - 1
"""Bytes that a protocol buffer may have."""


@contextmanager
def dumped(model: object, format: str | None) -> Iterator[Payload]:
    """Write a model into an unnamed temporary file, in the safest format it allows if none is named.

    Raises InvalidArgument where the model cannot be written so, Unsupported where the format's
    library is missing.
    """
    if format is not None and format not in FORMATS:
        raise InvalidArgument(f"Unknown format {format!r}: use one of {', '.join(FORMATS)}.", field="format")
    with tempfile.TemporaryFile() as file:
        chosen = _dump(model, format or _safest_format_of(model), file, may_fall_back=format is None)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)
        yield Payload(file, chosen, digest, size)


def load(payload: Payload, trusted: Sequence[str]) -> object:
    """Make the model from its bytes, after their SHA-256 is found to be the recorded one.

    ``trusted`` names types beyond those that skops deems safe. Raises FailedPrecondition for other
    bytes than were saved, PermissionDenied for types that are not trusted, Unsupported.
    """
    if isinstance(trusted, str | bool):
        raise InvalidArgument("trusted is a list of type names, such as ['shop.steps.Scaler'].", field="trusted")
    if payload.format not in _LOADERS:
        raise Unsupported(f"Models of the format {payload.format!r} are not read here: {', '.join(FORMATS)} are.")
    _check_digest(payload)
    return _LOADERS[payload.format](payload.file, trusted)


def _dump(model: object, format: str, file: BufferedIOBase, *, may_fall_back: bool) -> str:
    """Write the model and return the format: pickle where skops cannot write it and nobody asked for skops."""
    try:
        _DUMPERS[format](model, file)
    except InvalidArgument:
        if not may_fall_back or format != "skops":
            raise
        file.seek(0)
        file.truncate()
        return _dump(model, "pickle", file, may_fall_back=False)
    except OSError as error:
        raise Unavailable(f"The model cannot be written to {tempfile.gettempdir()}: {error}.") from error
    return format


def _check_digest(payload: Payload) -> None:
    if payload.sha256 is None:
        return
    found = hashlib.file_digest(payload.file, "sha256").hexdigest()
    if found != payload.sha256:
        raise FailedPrecondition(
            f"The stored bytes have the SHA-256 {found}, and {payload.sha256} was recorded when they were saved: "
            "they were damaged or replaced, and are not loaded."
        )
    payload.file.seek(0)


def _safest_format_of(model: object) -> str:
    if _is_estimator(model) and importlib.util.find_spec("skops"):
        return "skops"
    if _is_onnx(model):
        return "onnx"
    return "pickle"


def _is_estimator(model: object) -> bool:
    # Nobody can hold an estimator whose library is not imported.
    sklearn = sys.modules.get("sklearn.base")
    return sklearn is not None and isinstance(model, sklearn.BaseEstimator)


def _is_onnx(model: object) -> bool:
    onnx = sys.modules.get("onnx")
    return onnx is not None and isinstance(model, onnx.ModelProto)


def _dump_skops(model: object, file: BufferedIOBase) -> None:
    skops_io = _import_skops()
    try:
        skops_io.dump(model, file)
    except (TypeError, AttributeError, ValueError, pickle.PicklingError) as error:
        raise _not_for_skops(model, str(error)) from error
    # skops keeps the names of types and functions, not their code.
    nameless = [name for name in skops_io.get_untrusted_types(file=file) if "<" in name or name.startswith("__main__.")]
    if nameless:
        raise _not_for_skops(model, f"no other program can import {', '.join(nameless)}")


def _not_for_skops(model: object, reason: str) -> InvalidArgument:
    return InvalidArgument(
        f"skops cannot keep this {type(model).__name__}: {reason}. Save it with format='pickle' if all who load it "
        "trust the store.",
        field="model",
    )


def _load_skops(file: BufferedIOBase, trusted: Sequence[str]) -> object:
    skops_io = _import_skops()
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops_io.load(file, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        raise PermissionDenied(
            f"{error} Read what these types do, and name those you trust: load_model(name, trusted=['…']).",
            field="trusted",
        ) from error


def _import_skops() -> Any:
    try:
        import skops.io
    except ModuleNotFoundError as error:
        raise Unsupported("This needs skops: pip install 'mainspring[skops]'.") from error
    return skops.io


def _dump_onnx(model: object, file: BufferedIOBase) -> None:
    if not _is_onnx(model):
        raise InvalidArgument(
            f"The format onnx holds an onnx.ModelProto, not a {type(model).__name__}: convert it first, for example "
            "with skl2onnx.to_onnx.",
            field="model",
        )
    proto: onnx.ModelProto = model  # type: ignore[assignment]
    if any(tensor.external_data for tensor in proto.graph.initializer):
        raise InvalidArgument(
            "This ONNX model keeps weights in other files: call onnx.load(path) with external data, and save that.",
            field="model",
        )
    if proto.ByteSize() > ONNX_LIMIT:
        raise TooLarge(f"This ONNX model has {proto.ByteSize()} bytes: a protocol buffer holds {ONNX_LIMIT}.")
    file.write(proto.SerializeToString())


def _load_onnx(file: BufferedIOBase, _trusted: Sequence[str]) -> object:
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise Unsupported("This model is ONNX and needs onnx: pip install 'mainspring[onnx]'.") from error
    return onnx.load_model_from_string(file.read())


def _dump_pickle(model: object, file: BufferedIOBase) -> None:
    pickler = _cloudpickle() or pickle
    try:
        pickler.dump(model, file, protocol=pickle.DEFAULT_PROTOCOL)
    except (TypeError, AttributeError, ValueError, RecursionError, pickle.PicklingError) as error:
        raise InvalidArgument(f"This {type(model).__name__} cannot be pickled: {error}.", field="model") from error


def _cloudpickle() -> Any | None:
    """Return cloudpickle where it is installed: it also takes what is defined in a script or notebook."""
    if importlib.util.find_spec("cloudpickle") is None:
        return None
    import cloudpickle

    return cloudpickle


def _load_pickle(file: BufferedIOBase, _trusted: Sequence[str]) -> object:
    # The bytes come from the store that the caller of create_registry named: see ModelRegistry.
    try:
        return pickle.load(file)
    except (ModuleNotFoundError, AttributeError) as error:
        raise Unsupported(f"This pickle needs code that is not installed here: {error}.") from error


_DUMPERS: dict[str, Callable[[object, BufferedIOBase], None]] = {
    "skops": _dump_skops,
    "onnx": _dump_onnx,
    "pickle": _dump_pickle,
}
_LOADERS: dict[str, Callable[[BufferedIOBase, Sequence[str]], object]] = {
    "skops": _load_skops,
    "onnx": _load_onnx,
    "pickle": _load_pickle,
}
