"""Projects and the namespaces that they lie in."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from mainspring.client.pages import Results
from mainspring.client.transport import Transport
from mainspring.client.values import one_of
from mainspring.modules.projects.schemas import (
    Namespace,
    NamespaceCreate,
    Namespaces,
    Project,
    ProjectCreate,
    ProjectRestore,
    Projects,
    ProjectUpdate,
    Visibility,
)


class ProjectClient:
    """The projects of a server, each by its path, ``namespace/name``."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._server = transport, transport.of(None)

    def search(
        self, text: str = "", *, topic: str = "", deleted: bool = False, page_size: int = 100
    ) -> Results[Project]:
        """Find the projects that you may see, by path; with ``deleted`` those that you may restore.

        ``text`` is looked for in paths and descriptions.
        """
        wanted = {"text": text, "topic": topic, "deleted": str(deleted).lower()}

        def fetch(page_token: str | None) -> Projects:
            page = {"max_results": page_size, "page_token": page_token}
            return self._server.call(Projects, "GET", "/projects", query={**wanted, **page})

        return Results(fetch)

    def get(self, path: str | None = None) -> Project:
        """Return a project: left out, the one that the client works in."""
        transport = self._transport if path is None else self._transport.of(path)
        return transport.call(Project, "GET", "/project")

    def create(
        self,
        path: str,
        *,
        visibility: Visibility | str = Visibility.PRIVATE,
        description: str = "",
        readme: str = "",
        topics: Sequence[str] = (),
        workspace: str | None = None,
        artifact_root: str | None = None,
    ) -> Project:
        """Create a project in a namespace that you maintain; your own, of your name, is made when it is missing.

        ``workspace`` is what MLflow's clients call it; left out, that follows from the path. ``artifact_root`` is
        a bucket or folder for the files of its experiments, which clients reach by themselves; left out, they lie in
        the server's store.
        """
        shown_to = one_of(Visibility, visibility, "visibility")
        new = ProjectCreate(path, shown_to, description, readme, [*topics], workspace, artifact_root)
        return self._server.call(Project, "POST", "/projects", body=new)

    def update(
        self,
        path: str,
        *,
        visibility: Visibility | str | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        readme: str | UnsetType = UNSET,
        topics: Sequence[str] | UnsetType = UNSET,
        artifact_root: str | UnsetType | None = UNSET,
    ) -> Project:
        """Change a project; what is left out stays as it is."""
        change = ProjectUpdate(
            visibility=UNSET if visibility is UNSET else one_of(Visibility, visibility, "visibility"),
            description=description,
            readme=readme,
            topics=UNSET if topics is UNSET else [*topics],
            artifact_root=artifact_root,
        )
        return self._change(path, change)

    def move(self, path: str, to: str) -> Project:
        """Give a project another path; the old one leads to it until another project takes it."""
        return self._change(path, ProjectUpdate(path=to))

    def archive(self, path: str) -> Project:
        """Make a project one that is read only."""
        return self._change(path, ProjectUpdate(archived=True))

    def unarchive(self, path: str) -> Project:
        """Let an archived project be written to again."""
        return self._change(path, ProjectUpdate(archived=False))

    def delete(self, path: str) -> None:
        """Delete a project with all that is in it; for 30 days ``restore`` brings it back."""
        self._transport.of(path).do("DELETE", "/project")

    def restore(self, path: str) -> Project:
        """Bring a deleted project back."""
        return self._server.call(Project, "POST", "/projects/restore", body=ProjectRestore(path))

    def _change(self, path: str, change: ProjectUpdate) -> Project:
        return self._transport.of(path).call(Project, "PATCH", "/project", body=change)


class NamespaceClient:
    """The namespaces of a server: what its projects are grouped by."""

    def __init__(self, transport: Transport) -> None:
        self._server = transport.of(None)

    def search(self, *, page_size: int = 100) -> Results[Namespace]:
        """Find the namespaces that you have a role in, or see a project of, by name."""

        def fetch(page_token: str | None) -> Namespaces:
            query = {"max_results": page_size, "page_token": page_token}
            return self._server.call(Namespaces, "GET", "/namespaces", query=query)

        return Results(fetch)

    def create(self, name: str, *, description: str = "") -> Namespace:
        """Create a shared namespace, of which you become the owner; ``a/b`` lies below ``a``."""
        return self._server.call(Namespace, "POST", "/namespaces", body=NamespaceCreate(name, description))

    def delete(self, name: str) -> None:
        """Delete a namespace that has no projects."""
        self._server.do("DELETE", "/namespaces", query={"name": name})
