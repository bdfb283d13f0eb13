"""What an ONNX file says of its graph, read by walking its protobuf: weights are passed over, not fetched.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.modules.artifacts.schemas import OnnxPreview, OnnxValue
from mainspring.modules.artifacts.service.previews.cells import shorten
from mainspring.modules.artifacts.service.previews.reading import Cursor, Source

_MOST_FIELDS = 1_000_000
_MOST_VALUES = 500
_LONGEST_TEXT = 64 * 1024
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TYPES = (
    "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 "
    "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1"
).split()


def read_onnx(source: Source) -> OnnxPreview:
    """Return a summary of an ONNX file. Raises InvalidArgument for what is none, TooLarge."""
    reader = _Reader(source)
    found = OnnxPreview()
    for field, kind, end in reader.fields(source.size):
        match field, kind:
            case 1, _ if kind == _VARINT:
                found.ir_version = end
            case 2, _ if kind == _BYTES:
                found.producer = reader.text(end)
            case 7, _ if kind == _BYTES:
                reader.graph(end, found)
            case 8, _ if kind == _BYTES:
                reader.opset(end, found.opsets)
            case _:
                pass
    if not found.ir_version or not found.opsets:
        raise InvalidArgument(f"'{source.name}' is no ONNX file: it names no version of ONNX.", field="path")
    found.operators = dict(Counter(found.operators).most_common(_MOST_VALUES))
    return found


class _Reader:
    """Reads messages of ONNX: each method takes the place at which its message ends."""

    def __init__(self, source: Source) -> None:
        self._source, self._cursor = source, Cursor(source)
        self._left = _MOST_FIELDS

    def fields(self, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the number and the kind of each field up to ``end``, and its value, or the place where it ends.

        What of a field is not read by whoever asked is passed over.
        """
        cursor = self._cursor
        while cursor.place < end:
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"The graph of '{self._source.name}' is too large to be shown.", field="path")
            if self._left % 4096 == 0:
                self._source.check_time()
            key = self._varint()
            field, kind = key >> 3, key & 7
            if kind == _VARINT:
                yield field, kind, self._varint()
                continue
            length = {_FIXED64: 8, _FIXED32: 4}.get(kind)
            if kind == _BYTES:
                length = self._varint()
            if length is None or field == 0 or cursor.place + length > end:
                raise self._wrong()
            after = cursor.place + length
            yield field, kind, after
            cursor.place = after

    def text(self, end: int) -> str:
        """Return a text, of bounded length."""
        return shorten(self._cursor.take(min(end - self._cursor.place, _LONGEST_TEXT)).decode(errors="replace"))

    def opset(self, end: int, opsets: dict[str, int]) -> None:
        """Read an ``OperatorSetIdProto``."""
        domain, version = "", 0
        for field, kind, value in self.fields(end):
            if (field, kind) == (1, _BYTES):
                domain = self.text(value)
            elif (field, kind) == (2, _VARINT):
                version = value
        if len(opsets) < _MOST_VALUES:
            opsets[domain or "ai.onnx"] = version

    def graph(self, end: int, found: OnnxPreview) -> None:
        """Read a ``GraphProto``."""
        weights: set[str] = set()
        for field, kind, value in self.fields(end):
            if kind != _BYTES:
                continue
            if field == 1:
                found.nodes += 1
                operator = self._operator(value)
                if operator in found.operators or len(found.operators) < 10 * _MOST_VALUES:
                    found.operators[operator] = found.operators.get(operator, 0) + 1
            elif field == 2:
                found.graph = self.text(value)
            elif field == 5:
                name, count = self._tensor(value)
                found.parameters += count
                weights.add(name)
            elif field in (11, 12):
                values = found.inputs if field == 11 else found.outputs
                if len(values) < _MOST_VALUES:
                    values.append(self._value(value))
        # Files of before 2019 list the weights among the inputs.
        found.inputs = [each for each in found.inputs if each.name not in weights]

    def _operator(self, end: int) -> str:
        name = domain = ""
        for field, kind, value in self.fields(end):
            if (field, kind) == (4, _BYTES):
                name = self.text(value)
            elif (field, kind) == (7, _BYTES):
                domain = self.text(value)
        return f"{domain}.{name}" if domain not in ("", "ai.onnx") else name

    def _tensor(self, end: int) -> tuple[str, int]:
        """Return the name of a ``TensorProto``, and how many numbers it holds."""
        sizes, name = [], ""
        for field, kind, value in self.fields(end):
            if (field, kind) == (1, _VARINT):
                sizes.append(value)
            elif (field, kind) == (1, _BYTES):
                while self._cursor.place < value:
                    sizes.append(self._varint())
            elif (field, kind) == (8, _BYTES):
                name = self.text(value)
        return name, min(math.prod(sizes[:16]), 2**63 - 1)

    def _value(self, end: int) -> OnnxValue:
        """Read a ``ValueInfoProto``."""
        name, kind_name, shape = "", "", None
        for field, kind, value in self.fields(end):
            if (field, kind) == (1, _BYTES):
                name = self.text(value)
            elif (field, kind) == (2, _BYTES):
                kind_name, shape = self._type(value)
        return OnnxValue(name, kind_name, shape)

    def _type(self, end: int) -> tuple[str, list[str] | None]:
        names = {1: "tensor", 4: "sequence", 5: "map", 8: "sparse tensor", 9: "optional"}
        found: tuple[str, list[str] | None] = ("", None)
        for field, kind, value in self.fields(end):
            if kind == _BYTES and field in names:
                found = self._tensor_type(value) if field == 1 else (names[field], None)
        return found

    def _tensor_type(self, end: int) -> tuple[str, list[str] | None]:
        element, shape = 0, None
        for field, kind, value in self.fields(end):
            if (field, kind) == (1, _VARINT):
                element = value
            elif (field, kind) == (2, _BYTES):
                shape = [self._size(after) for each, _, after in self.fields(value) if each == 1][:64]
        return _TYPES[element] if element < len(_TYPES) else f"type {element}", shape

    def _size(self, end: int) -> str:
        size = "?"
        for field, kind, value in self.fields(end):
            if (field, kind) == (1, _VARINT):
                size = str(value)
            elif (field, kind) == (2, _BYTES):
                size = self.text(value)
        return size

    def _varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._cursor.take(1)
            if not byte:
                break
            number |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return number
        raise self._wrong()

    def _wrong(self) -> InvalidArgument:
        return InvalidArgument(
            f"'{self._source.name}' is no ONNX file, or not a whole one: it goes wrong at byte {self._cursor.place}.",
            field="path",
        )
