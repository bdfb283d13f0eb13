"""``mainspring lineage``: what came from what."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.text import Text
from rich.tree import Tree

from mainspring.cli.options import AsJson, Url, client
from mainspring.cli.output import out, plain, say, show_json
from mainspring.kit.errors import InvalidArgument

if TYPE_CHECKING:
    from mainspring.modules.lineage.schemas import Lineage, LineageNode

app = typer.Typer(help="What data and models came from, and what came of them.", no_args_is_help=True)
Node = Annotated[
    str,
    typer.Argument(
        help="A node: run:ID, dataset:NAME@DIGEST, logged_model:ID, model_version:MODEL/VERSION, item:SLUG, "
        "job:NAMESPACE/NAME or job_run:ID."
    ),
]
Hops = Annotated[int, typer.Option(help="How many steps away from it, 1 to 5.")]
Direction = Annotated[str, typer.Option(help="both, up (what it came from) or down (what came of it).")]


@app.command()
def show(node: Node, hops: Hops = 2, direction: Direction = "both", as_json: AsJson = False, url: Url = None) -> None:
    """Show what is around a node, as a tree."""
    found = client(url).lineage.get(node, hops, direction=direction)
    if as_json:
        return show_json(found)
    for tree in _trees(found):
        out.print(tree)
    if found.truncated:
        say(f"There is more than these {len(found.nodes)} nodes: ask for fewer steps, or one direction.")


@app.command()
def emit(
    file: Annotated[Path, typer.Argument(help="A file of JSON, one event or a list; - is standard input.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Take events of OpenLineage into the project."""
    taken = client(url).lineage.emit(_read(file))
    if as_json:
        return show_json(taken)
    say(f"Taken: {taken.events} event{'' if taken.events == 1 else 's'}.")
    for name in taken.left_out:
        say(f"The facet {name} was left out: it is too long.")


@app.command()
def events(
    run_id: Annotated[str | None, typer.Option(help="A run.", show_default=False)] = None,
    of: Annotated[str | None, typer.Option(help="A node: of the runs around it.", show_default=False)] = None,
    hops: Hops = 2,
    url: Url = None,
) -> None:
    """Print the events of OpenLineage of a run, or of the runs around a node: a JSON list."""
    show_json(client(url).lineage.events(run_id, of=of, hops=hops))


def _read(file: Path) -> Any:
    try:
        return msgspec.json.decode(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be read: {error.strerror}.", field="file") from error
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"{file} is no JSON: {error}.", field="file") from error


def _trees(found: Lineage) -> list[Tree]:
    """Return what a node came from and what came of it, each as a tree that shows every node once."""
    nodes = {node.id: node for node in found.nodes}
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    for edge in found.edges:
        up.setdefault(edge.target, []).append(edge.source)
        down.setdefault(edge.source, []).append(edge.target)
    start = nodes[found.of]
    trees = []
    for what, ways in (("came from", up), ("led to", down)):
        if ways.get(found.of):
            trees.append(_tree(start, what, nodes, ways))
    return trees or [Tree(_label(start))]


def _tree(start: LineageNode, what: str, nodes: Mapping[str, LineageNode], ways: Mapping[str, list[str]]) -> Tree:
    tree = Tree(Text.assemble(_label(start), (f" {what}", "dim")))
    seen, waiting = {start.id}, [(tree, start.id)]
    while waiting:
        branch, id = waiting.pop(0)
        for other in ways.get(id, ()):
            if other not in seen:
                seen.add(other)
                waiting.append((branch.add(_label(nodes[other])), other))
    return tree


def _label(node: LineageNode) -> Text:
    return Text.assemble((plain(node.id), "bold"), "  ", plain(node.title), (f"  {plain(node.project)}", "dim"))
