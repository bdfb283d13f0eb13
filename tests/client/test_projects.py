"""Projects, namespaces, members and permissions in the SDK, on a server that asks nobody to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

import mainspring as ms
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.permissions import Permission
from tests.client.answering import Answer, answering
from tests.components.server import MainspringServer


@pytest.fixture
def namespace(client: ms.Client) -> str:
    """Return the name of a fresh shared namespace."""
    return client.namespaces.create(f"n-{uuid4().hex[:12]}", description="Of a test").name


@pytest.fixture
def project(client: ms.Client, namespace: str) -> str:
    """Return the path of a fresh project."""
    return client.projects.create(f"{namespace}/churn").path


@pytest.fixture
def inside(server: MainspringServer, project: str) -> Iterator[ms.Client]:
    """Yield a client that works in the fresh project."""
    with ms.connect(server.url, project=project) as connected:
        yield connected


def test_a_project(client: ms.Client, namespace: str) -> None:
    path = f"{namespace}/churn"
    made = client.projects.create(
        path, visibility="internal", description="Who leaves", readme="# Churn", topics=["tabular", "crm"]
    )
    assert (made.path, made.namespace, made.name) == (path, namespace, "churn")
    assert (made.visibility, made.topics, made.workspace) == ("internal", ["crm", "tabular"], f"{namespace}-churn")
    assert client.projects.get(path) == made
    changed = client.projects.update(path, description="", topics=["crm"], artifact_root="s3://bucket/churn/")
    assert (changed.description, changed.topics, changed.artifact_root) == ("", ["crm"], "s3://bucket/churn")
    assert changed.readme == "# Churn"
    assert client.projects.update(path, artifact_root=None).artifact_root is None
    with pytest.raises(AlreadyExists):
        client.projects.create(path)
    with pytest.raises(InvalidArgument, match="private, internal, public"):
        client.projects.update(path, visibility="secret")


def test_a_search_walks_all_pages(client: ms.Client, namespace: str) -> None:
    paths = [client.projects.create(f"{namespace}/p{number}", topics=[namespace]).path for number in range(5)]
    assert [each.path for each in client.projects.search(topic=namespace, page_size=2)] == paths
    assert [each.path for each in client.projects.search(f"{namespace}/P3")] == [f"{namespace}/p3"]
    assert namespace in [each.name for each in client.namespaces.search(page_size=3)]


def test_a_project_that_moves_is_found_by_both_paths(client: ms.Client, project: str, inside: ms.Client) -> None:
    experiment = inside.experiments.create("e").experiment_id
    moved = f"{project}-2"
    assert client.projects.move(project, moved).path == moved
    assert client.projects.get(project).path == moved
    assert inside.experiments.get(experiment).name == "e"
    assert client.projects.create(project).path == project
    with pytest.raises(NotFound):
        inside.experiments.get(experiment)


def test_an_archived_project_is_read_only(client: ms.Client, project: str, inside: ms.Client) -> None:
    run = inside.runs.create().run_id
    assert client.projects.archive(project).archived_at
    for call in (lambda: inside.experiments.create("e"), lambda: inside.runs.log(run, metrics={"m": 1})):
        with pytest.raises(PermissionDenied):
            call()
    assert inside.runs.get(run).metrics == []
    why = client.permissions.why("tracking:write", project=project)
    assert (why.allowed, [each.source for each in why.reasons]) == (False, ["open", "archived"])
    assert client.projects.unarchive(project).archived_at is None
    inside.experiments.create("e")


def test_a_deleted_project_comes_back(client: ms.Client, project: str, inside: ms.Client) -> None:
    experiment = inside.experiments.create("e").experiment_id
    client.projects.delete(project)
    for call in (lambda: client.projects.get(project), lambda: inside.experiments.get(experiment)):
        with pytest.raises(NotFound):
            call()
    assert project not in [each.path for each in client.projects.search()]
    assert project in [each.path for each in client.projects.search(deleted=True)]
    with pytest.raises(AlreadyExists, match="restored"):
        client.projects.create(project)
    with pytest.raises(FailedPrecondition):
        client.namespaces.delete(project.partition("/")[0])
    assert client.projects.restore(project).path == project
    assert inside.experiments.get(experiment).name == "e"


def test_the_default_project_stays(client: ms.Client) -> None:
    for call in (
        lambda: client.projects.delete("default/default"),
        lambda: client.projects.move("default/default", "default/other"),
        lambda: client.projects.archive("default/default"),
    ):
        with pytest.raises(FailedPrecondition, match="default project"):
            call()


def test_namespaces_may_lie_below_one_another(client: ms.Client, server: MainspringServer, namespace: str) -> None:
    below = client.namespaces.create(f"{namespace}/vision").name
    path = client.projects.create(f"{below}/cats").path
    with ms.connect(server.url, project=path) as inside:
        assert inside.projects.get().path == path
    client.projects.delete(path)
    client.namespaces.delete(client.namespaces.create(f"{namespace}/empty").name)
    with pytest.raises(NotFound):
        client.namespaces.delete(f"{namespace}/empty")


def test_what_is_about_no_project_does_not_ask_for_one(server: MainspringServer, namespace: str) -> None:
    """Whoever works in a project that is not there yet can make it."""
    path = f"{namespace}/new"
    with ms.connect(server.url, project=path) as client:
        with pytest.raises(NotFound, match=path):
            client.runs.create()
        assert path not in [each.path for each in client.projects.search()]
        client.projects.create(path)
        assert client.projects.get().path == path
        client.runs.create()


def test_projects_do_not_meet(server: MainspringServer, client: ms.Client, inside: ms.Client, project: str) -> None:
    other = client.projects.create(f"{project}-other").path
    with ms.connect(server.url, project=other) as there:
        mine, theirs = (each.experiments.create("same name").experiment_id for each in (inside, there))
        inside.models.create("same name", description="mine")
        there.models.create("same name", description="theirs")
        assert mine != theirs
        assert [each.experiment_id for each in inside.experiments.search("name = 'same name'")] == [mine]
        assert inside.models.get("same name").description == "mine"
        with pytest.raises(NotFound):
            inside.experiments.get(theirs)


def test_permissions_on_an_open_server(client: ms.Client, project: str) -> None:
    found = client.permissions.get(project=project)
    assert (found.project, found.role) == (project, None)
    assert set(found.permissions) == set(Permission)
    assert set(found.roles) == {"guest", "reporter", "developer", "maintainer", "owner"}
    why = client.permissions.why("tracking:write", project=project)
    assert (why.allowed, [each.source for each in why.reasons]) == (True, ["open"])
    with pytest.raises(InvalidArgument, match="tracking:write"):
        client.permissions.why("fly")


def test_members_need_accounts(client: ms.Client, project: str) -> None:
    assert client.members.list(project=project) == []
    with pytest.raises(NotFound, match="nobody-of-that-name"):
        client.members.set("nobody-of-that-name", "developer", project=project)
    with pytest.raises(InvalidArgument, match="maintainer"):
        client.members.set("ann", "boss", project=project)
    with pytest.raises(InvalidArgument, match="not both"):
        client.members.list(project=project, namespace="default")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/p/team/churn", "/p/team/churn/api/v1/project"),
        ("/p/team/sub/churn/", "/p/team/sub/churn/api/v1/project"),
        ("/team/churn/tracking/", "/p/team/churn/api/v1/project"),
        ("/prefix/p/team/churn", "/prefix/p/team/churn/api/v1/project"),
        ("/prefix", "/prefix/api/v1/project"),
    ],
)
def test_a_url_may_name_the_project(path: str, asked: str) -> None:
    body = b'{"code": "not_found", "detail": "", "status": 404}'
    with answering(lambda *_: Answer(404, body, {})) as server, ms.connect(server.url + path) as client:
        for call in (client.projects.get, lambda: client.projects.get("team/other")):
            with pytest.raises(NotFound):
                call()
        prefix = asked.partition("/p/")[0].partition("/api/")[0]
        assert client.url == server.url + prefix
        assert [path for _, path in server.asked] == [asked, f"{prefix}/p/team/other/api/v1/project"]
