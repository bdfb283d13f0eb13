"""``mainspring configuration``: documents by environment, their versions and schemas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, moment, out, show_json, show_page, show_table
from mainspring.kit.errors import InvalidArgument

app = typer.Typer(help="The configuration of a project, by environment.", no_args_is_help=True)
schemas = typer.Typer(help="The JSON Schema that documents of a name must fit.", no_args_is_help=True)
app.add_typer(schemas, name="schema")
Name = Annotated[str, typer.Argument(help="The document's name.")]
In = Annotated[
    str | None,
    typer.Option("--environment", "-e", help="dev, staging or production; left out: for all.", show_default=False),
]
OfInstance = Annotated[bool, typer.Option("--instance", help="The document of the whole instance.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why it is changed.", show_default=False)]
Expected = Annotated[
    int | None, typer.Option(help="Refuse unless this is the newest version; 0: there is none.", show_default=False)
]
File = Annotated[Path, typer.Argument(help="A file of JSON; - is standard input.")]
LISTED: Columns = (
    ("NAME", lambda document: document.name),
    ("LEVEL", lambda document: "instance" if document.instance else document.environment or "project"),
    ("VERSION", lambda document: document.version),
    ("BY", lambda document: document.created_by),
    ("CHANGED (UTC)", lambda document: moment(document.created_at)),
    ("MESSAGE", lambda document: document.message),
)
VERSIONS: Columns = (
    ("VERSION", lambda version: version.version),
    ("WHAT", lambda version: "deleted" if version.deleted else "written"),
    ("BY", lambda version: version.created_by),
    ("WHEN (UTC)", lambda version: moment(version.created_at)),
    ("MESSAGE", lambda version: version.message),
)
CHANGES: Columns = (
    ("CHANGE", lambda change: change.kind),
    ("PATH", lambda change: change.path),
    ("BEFORE", lambda change: "" if change.kind == "added" else _json(change.before)),
    ("AFTER", lambda change: "" if change.kind == "removed" else _json(change.after)),
)
SOURCES: Columns = (
    ("PATH", lambda source: source[0]),
    ("FROM", lambda source: source[1]),
)


@app.command("list")
def list_documents(limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None) -> None:
    """List the documents of the project and of the instance."""
    found = client(url).config.list(page_size=limit)
    show_page(found.page(page_token), LISTED, as_json, "No documents. Make one: mainspring configuration set NAME FILE")


@app.command()
def get(
    name: Name,
    environment: In = None,
    instance: OfInstance = False,
    version: Annotated[int | None, typer.Option(help="Left out: the newest.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print a document as it stands at one level."""
    found = client(url).config.get(name, environment, instance=instance, version=version)
    show_json(found if as_json else found.value)


@app.command()
def effective(
    name: Name,
    environment: In = None,
    sources: Annotated[bool, typer.Option("--sources", help="Show from where each value comes.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print what holds: the documents of the instance, the project and the environment, merged."""
    found = client(url).config.effective(name, environment)
    if sources and not as_json:
        return show_table(found.sources.items(), SOURCES, "Nothing is set.")
    show_json(found if as_json else found.value)


@app.command("set")
def set_document(
    name: Name,
    file: File,
    environment: In = None,
    instance: OfInstance = False,
    message: Message = "",
    expected_version: Expected = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write the next version of a document from a file of JSON."""
    value = _read(file)
    made = client(url).config.set(
        name, value, environment, instance=instance, message=message, expected_version=expected_version
    )
    _say(made, as_json)


@app.command()
def delete(
    name: Name,
    environment: In = None,
    instance: OfInstance = False,
    message: Message = "",
    yes: Yes = False,
    url: Url = None,
) -> None:
    """Delete a document; its versions stay, and a rollback brings it back."""
    confirm(f"Delete the document '{name}'?", yes)
    client(url).config.delete(name, environment, instance=instance, message=message)


@app.command()
def versions(
    name: Name,
    environment: In = None,
    instance: OfInstance = False,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the versions of a document, newest first."""
    found = client(url).config.versions(name, environment, instance=instance, page_size=limit)
    show_page(found.page(page_token), VERSIONS, as_json, "There are no versions.")


@app.command()
def diff(
    name: Name,
    from_version: int,
    to_version: Annotated[int | None, typer.Argument(help="Left out: the newest.")] = None,
    environment: In = None,
    instance: OfInstance = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show what changed between two versions."""
    found = client(url).config.diff(name, from_version, to_version, environment, instance=instance)
    show_json(found) if as_json else show_table(found.changes, CHANGES, "Nothing changed.")


@app.command()
def rollback(
    name: Name,
    version: int,
    environment: In = None,
    instance: OfInstance = False,
    message: Message = "",
    expected_version: Expected = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write a version equal to an earlier one; it also brings a deleted document back."""
    made = client(url).config.rollback(
        name, version, environment, instance=instance, message=message, expected_version=expected_version
    )
    _say(made, as_json)


@app.command()
def watch(
    name: Name,
    environment: In = None,
    after: Annotated[int | None, typer.Option(help="A revision that is known already.", show_default=False)] = None,
    count: Annotated[int | None, typer.Option(help="End after so many changes.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print what holds now, and again after each change, one line each. Ctrl-C ends it."""
    for number, found in enumerate(client(url).config.watch(name, environment, after=after), 1):
        out.file.write(_json(found if as_json else found.value) + "\n")
        out.file.flush()
        if number == count:
            return


@schemas.command("get")
def get_schema(name: Name, instance: OfInstance = False, as_json: AsJson = False, url: Url = None) -> None:
    """Print the schema of a name."""
    found = client(url).config.get_schema(name, instance=instance)
    show_json(found if as_json else found.schema)


@schemas.command("set")
def set_schema(name: Name, file: File, instance: OfInstance = False, url: Url = None) -> None:
    """Set the schema of a name from a file of JSON."""
    client(url).config.set_schema(name, _read(file), instance=instance)


@schemas.command("delete")
def delete_schema(name: Name, instance: OfInstance = False, yes: Yes = False, url: Url = None) -> None:
    """Delete the schema of a name."""
    confirm(f"Delete the schema of '{name}'?", yes)
    client(url).config.delete_schema(name, instance=instance)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return msgspec.json.decode(content, type=dict[str, Any])
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be read: {error.strerror}.", field="file") from error
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"{file} is no JSON object: {error}.", field="file") from error


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _say(made: Any, as_json: bool) -> None:
    if as_json:
        return show_json(made)
    show_table([made], LISTED, "")
