"""``mainspring projects`` and ``mainspring namespaces``: what all work lies in, and what that is grouped by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import UNSET
from rich.text import Text

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, err, moment, show, show_page
from mainspring.kit.errors import InvalidArgument

app = typer.Typer(help="Projects: each has its own runs, models, files and members.", no_args_is_help=True)
namespaces = typer.Typer(help="Namespaces: what projects are grouped by.", no_args_is_help=True)
ProjectPath = Annotated[str, typer.Argument(metavar="PATH", help="The project's path, namespace/name.")]
Visibility = Annotated[
    str | None,
    typer.Option(
        help="Who may read it besides its members: private is nobody, internal who has an account, public everyone.",
        show_default=False,
    ),
]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
Readme = Annotated[Path | None, typer.Option(help="A file of Markdown.", show_default=False)]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="A word; may be repeated.", show_default=False)]
ArtifactRoot = Annotated[
    str | None,
    typer.Option(
        help="Where the files of new experiments lie, such as s3://bucket/folder: clients go there themselves.",
        show_default=False,
    ),
]
NamespaceName = Annotated[str, typer.Argument(metavar="NAME", help="Such as team, or team/vision below team.")]
PROJECTS: Columns = (
    ("PATH", lambda project: project.path),
    ("VISIBILITY", lambda project: project.visibility),
    ("STATE", lambda project: _state(project.archived_at, project.deleted_at)),
    ("TOPICS", lambda project: ", ".join(project.topics)),
    ("UPDATED (UTC)", lambda project: moment(project.updated_at)),
    ("DESCRIPTION", lambda project: project.description),
)
NAMESPACES: Columns = (
    ("NAME", lambda namespace: namespace.name),
    ("OWNER", lambda namespace: namespace.owner or ""),
    ("CREATED (UTC)", lambda namespace: moment(namespace.created_at)),
    ("DESCRIPTION", lambda namespace: namespace.description),
)


@app.command("list")
def list_projects(
    text: Annotated[str, typer.Argument(help="Part of a path or description.", show_default=False)] = "",
    topic: Annotated[str, typer.Option(help="Only those with this topic.", show_default=False)] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that can be restored.")] = False,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the projects that you may see, by path."""
    found = client(url).projects.search(text, topic=topic, deleted=deleted, page_size=limit)
    nothing = "No deleted projects." if deleted else "No projects. Make one: mainspring projects create NAMESPACE/NAME"
    show_page(found.page(page_token), PROJECTS, as_json, nothing)


@app.command("show")
def show_project(
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="Left out: the one you work in.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a project."""
    show(client(url).projects.get(path), as_json)


@app.command()
def create(
    path: ProjectPath,
    visibility: Visibility = None,
    description: Description = None,
    readme: Readme = None,
    topic: Topics = None,
    workspace: Annotated[
        str | None, typer.Option(help="What MLflow's clients call it. Left out: made of the path.", show_default=False)
    ] = None,
    artifact_root: ArtifactRoot = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a project, in a namespace that you maintain or in your own."""
    server = client(url)
    made = server.projects.create(
        path,
        visibility=visibility or "private",
        description=description or "",
        readme=_text(readme) if readme else "",
        topics=topic or (),
        workspace=workspace,
        artifact_root=artifact_root,
    )
    show(made, as_json)
    err.print(Text(f'Log to it: mlflow.set_tracking_uri("{server.url}/p/{made.path}")', style="dim"))


@app.command()
def update(
    path: ProjectPath,
    visibility: Visibility = None,
    description: Description = None,
    readme: Readme = None,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="In place of all that it had.", show_default=False)
    ] = None,
    artifact_root: Annotated[
        str | None, typer.Option(help="Where the files of new experiments lie; '' is here.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change a project."""
    changed = client(url).projects.update(
        path,
        visibility=UNSET if visibility is None else visibility,
        description=UNSET if description is None else description,
        readme=UNSET if readme is None else _text(readme),
        topics=topic or UNSET,
        artifact_root=UNSET if artifact_root is None else artifact_root or None,
    )
    show(changed, as_json)


@app.command()
def move(
    path: ProjectPath,
    to: Annotated[str, typer.Argument(help="Its new path, namespace/name.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Give a project another path; the old one leads to it until another project takes it."""
    show(client(url).projects.move(path, to), as_json)


@app.command()
def archive(path: ProjectPath, as_json: AsJson = False, url: Url = None) -> None:
    """Make a project one that is read only."""
    show(client(url).projects.archive(path), as_json)


@app.command()
def unarchive(path: ProjectPath, as_json: AsJson = False, url: Url = None) -> None:
    """Let an archived project be written to again."""
    show(client(url).projects.unarchive(path), as_json)


@app.command()
def delete(path: ProjectPath, yes: Yes = False, url: Url = None) -> None:
    """Delete a project with all that is in it; for 30 days it can be restored."""
    confirm(f"Delete the project '{path}' with all its runs, models and files? It can be restored for 30 days.", yes)
    client(url).projects.delete(path)


@app.command()
def restore(path: ProjectPath, as_json: AsJson = False, url: Url = None) -> None:
    """Bring a deleted project back."""
    show(client(url).projects.restore(path), as_json)


@namespaces.command("list")
def list_namespaces(limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None) -> None:
    """List the namespaces that you have a role in, or see a project of."""
    found = client(url).namespaces.search(page_size=limit)
    nothing = "No namespaces. Make one: mainspring namespaces create NAME"
    show_page(found.page(page_token), NAMESPACES, as_json, nothing)


@namespaces.command("create")
def create_namespace(
    name: NamespaceName, description: Description = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Create a shared namespace, of which you become the owner."""
    show(client(url).namespaces.create(name, description=description or ""), as_json)


@namespaces.command("delete")
def delete_namespace(name: NamespaceName, yes: Yes = False, url: Url = None) -> None:
    """Delete a namespace that has no projects, with the roles in it."""
    confirm(f"Delete the namespace '{name}' for good?", yes)
    client(url).namespaces.delete(name)


def _state(archived_at: int | None, deleted_at: int | None) -> str:
    if deleted_at is not None:
        return f"deleted {moment(deleted_at)}"
    return "" if archived_at is None else "archived"


def _text(file: Path) -> str:
    """Return the text of a file. Raises InvalidArgument for one that cannot be read."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{file} cannot be read as a text: {error}.", field="--readme") from error
