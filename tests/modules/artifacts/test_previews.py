"""What is shown of files: tables by pages, graphs, signatures, notebooks; and what hostile ones come to."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, TooLarge
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import Frame, Preview, TablePreview
from mainspring.modules.artifacts.service.previews import delimited, onnx, parquet
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/r/artifacts"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1 << 20):
        yield data[start : start + (1 << 20)]


def store(services: Services, name: str, data: bytes) -> None:
    asyncio.run(service.put_artifact(services, LOCAL, RUN, name, chunks(data)))


def ask(services: Services, name: str, max_rows: int = 100, page_token: str | None = None) -> Preview:
    return asyncio.run(service.preview_artifact(services, LOCAL, RUN, name, max_rows, page_token))


def pages(services: Services, name: str, max_rows: int) -> list[TablePreview]:
    found, token = [], None
    while not found or token:
        table = ask(services, name, max_rows, token).table
        assert table
        found.append(table)
        token = table.next_page_token
    return found


def parquet_file(tmp_path: Path, columns: dict[str, Any], **options: Any) -> bytes:
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path, **options)
    return path.read_bytes()


def test_csv_by_pages(services: Services) -> None:
    rows = [f'{n},"line {n}\nand ""more"", é"' for n in range(25)]
    store(services, "t.csv", ("\ufeffid,text\r\n" + "\r\n".join(rows)).encode())
    found = pages(services, "t.csv", 10)
    assert [len(page.rows) for page in found] == [10, 10, 5]
    assert [column.name for column in found[1].columns] == ["id", "text"]
    assert [row for page in found for row in page.rows] == [[str(n), f'line {n}\nand "more", é'] for n in range(25)]


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", "a;b\n1;2,5\n"), ("t.tsv", "a\tb\n1\t2,5\n"), ("t.csv", "a|b\n1|2,5")]
)
def test_csv_with_other_separators(services: Services, name: str, text: str) -> None:
    store(services, name, text.encode())
    table = ask(services, name).table
    assert table
    assert table.rows == [["1", "2,5"]]


@pytest.mark.parametrize("data", [b"", b"a,b\n", b"\n\n"])
def test_csv_without_rows(services: Services, data: bytes) -> None:
    store(services, "t.csv", data)
    table = ask(services, "t.csv").table
    assert table
    assert (table.rows, table.next_page_token) == ([], None)


def test_parquet_by_pages(services: Services, tmp_path: Path) -> None:
    columns = {"id": list(range(2500)), "x": [None if n % 2 else n / 4 for n in range(2500)]}
    store(services, "t.parquet", parquet_file(tmp_path, columns, row_group_size=700))
    found = pages(services, "t.parquet", 1000)
    assert [(column.name, column.type) for column in found[0].columns] == [("id", "Int64"), ("x", "Float64")]
    assert [len(page.rows) for page in found] == [1000, 1000, 500]
    assert found[1].rows[:2] == [["1000", "250.0"], ["1001", None]]
    assert found[2].rows[-1] == ["2499", None]


def test_what_parquet_holds_is_shown_as_text(services: Services, tmp_path: Path) -> None:
    columns = {"list": [[1, 2]], "bytes": [b"xyz"], "struct": [{"a": "é"}], "long": ["x" * 5000]}
    store(services, "t.parquet", parquet_file(tmp_path, columns))
    table = ask(services, "t.parquet").table
    assert table
    assert table.rows == [["[1, 2]", "3 bytes", json.dumps({"a": "é"}), "x" * 1000 + "…"]]


def test_wide_tables_are_cut(services: Services) -> None:
    store(services, "t.csv", b",".join(b"c%d" % n for n in range(5000)) + b"\n" + b",".join([b"1"] * 5000))
    table = ask(services, "t.csv").table
    assert table
    assert (len(table.columns), len(table.rows[0]), table.total_columns) == (500, 500, 5000)


def test_a_token_is_of_one_version_of_one_file(services: Services) -> None:
    store(services, "t.csv", b"a\n" + b"1\n" * 50)
    table = ask(services, "t.csv", 10).table
    assert table
    store(services, "t.csv", b"a\n" + b"2\n" * 50)
    for token in (table.next_page_token, "nonsense"):
        with pytest.raises(InvalidArgument, match="page token"):
            ask(services, "t.csv", 10, token)


def test_an_onnx_graph(services: Services) -> None:
    from numpy import zeros
    from onnx import TensorProto, helper, numpy_helper

    shape = ["batch", 4]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
        helper.make_node("Relu", ["z"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 1000])],
        [numpy_helper.from_array(zeros((4, 300_000), "float32"), "w")],
    )
    model = helper.make_model(graph, producer_name="tests", opset_imports=[helper.make_opsetid("", 17)])
    store(services, "m.onnx", model.SerializeToString())
    found = ask(services, "m.onnx").onnx
    assert found
    assert (found.producer, found.graph, found.opsets) == ("tests", "small", {"ai.onnx": 17})
    assert [(each.name, each.type, each.shape) for each in found.inputs] == [("x", "float32", ["batch", "4"])]
    assert [(each.name, each.shape) for each in found.outputs] == [("out", ["batch", "1000"])]
    assert (found.operators, found.nodes, found.parameters) == ({"Relu": 2, "MatMul": 1}, 3, 1_200_000)


def test_a_model_file(services: Services) -> None:
    signature = json.dumps([{"name": "x", "type": "double"}])
    store(services, "m/MLmodel", f"flavors:\n  sklearn:\n    a: 1\nsignature:\n  inputs: '{signature}'\n".encode())
    found = ask(services, "m/MLmodel")
    assert found.path == "m/MLmodel"
    assert found.model
    assert (found.model.flavors, found.model.signature) == ({"sklearn": {"a": "1"}}, {"inputs": signature})


def notebook(*outputs: dict[str, Any]) -> bytes:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "1 + 1", "execution_count": 3, "outputs": list(outputs)},
    ]
    return json.dumps({"nbformat": 4, "cells": cells, "metadata": {"kernelspec": {"language": "julia"}}}).encode()


def test_a_notebook(services: Services) -> None:
    html = "<table style='x'><tr><td onclick=alert(1)>1</td></tr></table><script>alert(1)</script><img src=x onerror=y>"
    content = notebook(
        {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m\n"]},
        {"output_type": "display_data", "data": {"image/png": PIXEL, "text/plain": "Figure"}},
        {"output_type": "execute_result", "data": {"text/html": html, "text/plain": "1"}},
        {"output_type": "execute_result", "data": {"image/png": "'\"><script>", "text/plain": ["2"]}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []},
    )
    store(services, "n.ipynb", content)
    found = ask(services, "n.ipynb").notebook
    assert found
    assert (found.language, found.total_cells, found.cells[0].source) == ("julia", 2, "# Title\ntext")
    stream, image, table, text, error = found.cells[1].outputs
    assert stream.text == "red\n"
    assert (image.image, image.image_type) == (PIXEL, "image/png")
    assert table.html == "<table><tbody><tr><td>1</td></tr></tbody></table>"
    assert text.text == "2"
    assert (error.text, error.is_error) == ("E: v", True)


# Hostile files: each is refused, soon, and by an error that says why.


def _deep(depth: int) -> bytes:
    return b'{"cells": ' + b"[" * depth + b"]" * depth + b"}"


HOSTILE: dict[str, tuple[str, bytes, type[MainspringError]]] = {
    "one line of CSV": ("t.csv", b"x" * (8 << 20), TooLarge),
    "one row of CSV": ("t.csv", b"a\n" + b"1," * (4 << 20), TooLarge),
    "a quote that never ends": ("t.csv", b'a\n"' + b"x\n" * (4 << 20), InvalidArgument),
    "no Parquet": ("t.parquet", b"PAR1 nothing PAR1", InvalidArgument),
    "an empty Parquet": ("t.parquet", b"", InvalidArgument),
    "a footer longer than the file": ("t.parquet", b"PAR1" + struct.pack("<I", 2**31) + b"PAR1", InvalidArgument),
    "no ONNX": ("m.onnx", b"\x0a\xff\xff\xff\xff\x0fnothing", InvalidArgument),
    "half an ONNX": ("m.onnx", b"\x08\x07\x3a\x90\x4e", InvalidArgument),
    "an ONNX of nothing": ("m.onnx", b"", InvalidArgument),
    "very many fields": ("m.onnx", b"\x08\x07" * 2000, TooLarge),
    "a deep notebook": ("n.ipynb", _deep(100_000), InvalidArgument),
    "no notebook": ("n.ipynb", b'{"cells": {}}', InvalidArgument),
    "a notebook of the wrong types": ("n.ipynb", b'{"cells": [{"cell_type": 1}]}', InvalidArgument),
    "YAML of aliases": (
        "MLmodel",
        b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 121)),
        InvalidArgument,
    ),
    "nothing known": ("m.bin", b"1", InvalidArgument),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused(services: Services, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(onnx, "_MOST_FIELDS", 1000)
    name, data, error = HOSTILE[what]
    store(services, name, data)
    with pytest.raises(error, match=name.replace(".", r"\.")):
        ask(services, name)


def test_a_long_row_in_the_middle_stops_the_pages_there(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "WINDOW_BYTES", 1000)
    store(services, "t.csv", b"a\n" + b"1\n" * 10 + b"x" * 5000 + b"\n2\n")
    table = ask(services, "t.csv").table
    assert table
    assert len(table.rows) == 10
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        ask(services, "t.csv", 10, table.next_page_token)


def test_a_bomb_of_parquet_kills_its_reader_alone(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of 150 MB packs into a few kB; what reads it may have less memory."""
    monkeypatch.setattr(parquet, "MEMORY_BYTES", 300 * 1024**2)
    columns = {"x": ["x" * 150_000_000]}
    data = parquet_file(tmp_path, columns, compression="zstd", use_dictionary=False, write_statistics=False)
    assert len(data) < 200_000
    store(services, "t.parquet", data)
    with pytest.raises(TooLarge, match="memory"):
        ask(services, "t.parquet")


def test_what_is_not_there(services: Services) -> None:
    with pytest.raises(NotFound):
        ask(services, "t.csv")
    with pytest.raises(InvalidArgument, match="max_rows is 0"):
        ask(services, "t.csv", 0)


def test_only_pages_of_html_are_framed() -> None:
    policy = service.framed_headers("a/b.HTML", Frame.OFFLINE)["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "https:" not in policy
    assert "allow-same-origin" not in policy
    assert "connect-src https:" in service.framed_headers("b.htm", Frame.ONLINE)["Content-Security-Policy"]
    for name in ("x.svg", "x.xml", "x.pdf", "html"):
        with pytest.raises(InvalidArgument, match="no page of HTML"):
            service.framed_headers(name, Frame.OFFLINE)
