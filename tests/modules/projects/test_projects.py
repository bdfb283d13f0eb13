"""Projects and namespaces: making, changing, moving, deleting, and who sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from mainspring.kit.permissions import Permission
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import service
from mainspring.modules.projects.schemas import (
    HolderKind,
    MemberSet,
    NamespaceCreate,
    ProjectCreate,
    ProjectUpdate,
    RoleName,
    Visibility,
)
from mainspring.modules.projects.service import Place
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import ExperimentCreate
from tests.modules.projects.conftest import Enter


def paths(tx: Connection, actor: object, **query: object) -> list[str]:
    return [project.path for project in service.search_projects(tx, actor, **query).items]  # type: ignore[arg-type]


def test_there_is_a_default_project(tx: Connection) -> None:
    project = service.get_project(tx, LOCAL)
    assert (project.path, project.workspace, project.visibility) == ("default/default", "default", Visibility.PRIVATE)


def test_a_users_own_namespace_comes_with_its_first_project(tx: Connection, enter: Enter) -> None:
    made = service.create_project(
        tx, enter("ann"), ProjectCreate("Ann/Churn", description="who leaves", topics=["b", "a"])
    )
    assert (made.path, made.workspace, made.created_by, made.topics) == ("ann/churn", "ann-churn", "ann", ["a", "b"])
    assert [each.owner for each in service.search_namespaces(tx, enter("ann")).items] == ["ann"]
    inside = enter("ann", "ann/churn")
    assert service.get_project(tx, inside).readme == ""
    assert service.get_permissions(tx, inside).role is RoleName.OWNER


def test_a_new_project_has_a_default_experiment_of_its_own(tx: Connection, enter: Enter) -> None:
    service.create_project(tx, enter("ann"), ProjectCreate("ann/churn"))
    inside = enter("ann", "ann/churn")
    default = tracking.get_experiment(tx, inside, "0")
    assert default.name == "Default"
    assert default.experiment_id != "0"
    assert default.artifact_location == f"mlflow-artifacts:/_projects/{inside.project}/{default.experiment_id}"
    same_name = tracking.create_experiment(tx, inside, ExperimentCreate("e"))
    assert tracking.create_experiment(tx, LOCAL, ExperimentCreate("e")).experiment_id != same_name.experiment_id
    assert [each.name for each in tracking.search_experiments(tx, LOCAL).items] == ["e", "Default"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "/a",
        "a/",
        "a//b",
        "a/..",
        "../a",
        "a/api",
        "api/a",
        "a/b c",
        "a/ä",
        "a/tracking",
        "a/" + "b" * 101,
        "a/b.",
    ],
)
def test_paths_that_a_url_could_not_tell(tx: Connection, path: str) -> None:
    with pytest.raises(InvalidArgument):
        service.create_project(tx, LOCAL, ProjectCreate(path))


def test_a_path_is_taken_once(tx: Connection) -> None:
    service.create_project(tx, LOCAL, ProjectCreate("team/churn"))
    with pytest.raises(AlreadyExists, match="team/churn"):
        service.create_project(tx, LOCAL, ProjectCreate("team/CHURN"))
    other = service.create_project(tx, LOCAL, ProjectCreate("team-churn/x", workspace="team-churn-x"))
    assert service.create_project(tx, LOCAL, ProjectCreate("team/churn-x")).workspace == "team-churn-x-2"
    with pytest.raises(AlreadyExists, match="workspace"):
        service.create_project(tx, LOCAL, ProjectCreate("team/y", workspace=other.workspace))


def test_namespaces_are_made_by_people_and_kept_by_owners(tx: Connection, enter: Enter) -> None:
    service.create_namespace(tx, enter("ann"), NamespaceCreate("team"))
    with pytest.raises(AlreadyExists):
        service.create_namespace(tx, enter("bob"), NamespaceCreate("team"))
    with pytest.raises(AlreadyExists, match="own one"):
        service.create_namespace(tx, enter("eve"), NamespaceCreate("bob"))
    with pytest.raises(NotFound):
        service.create_project(tx, enter("bob"), ProjectCreate("team/x"))
    with pytest.raises(NotFound):
        service.create_project(tx, enter("bob"), ProjectCreate("nowhere/x"))
    with pytest.raises(NotFound):
        service.create_namespace(tx, enter("bob"), NamespaceCreate("team/sub"))
    service.create_project(tx, enter("ann"), ProjectCreate("team/sub/x"))
    with pytest.raises(FailedPrecondition, match="has projects"):
        service.delete_namespace(tx, enter("ann"), "team/sub")
    with pytest.raises(NotFound):
        service.delete_namespace(tx, enter("bob"), "team")
    with pytest.raises(Unauthenticated):
        service.create_namespace(tx, enter(None), NamespaceCreate("free"))


def test_visibility_decides_who_sees_a_project(tx: Connection, enter: Enter) -> None:
    for visibility in Visibility:
        service.create_project(tx, enter("ann"), ProjectCreate(f"ann/{visibility}", visibility=visibility))
    assert paths(tx, enter("ann")) == ["ann/internal", "ann/private", "ann/public"]
    assert paths(tx, enter("eve")) == ["ann/internal", "ann/public"]
    assert paths(tx, enter("root")) == ["ann/internal", "ann/private", "ann/public", "default/default"]
    assert paths(tx, enter(None, public_read=True)) == ["ann/public"]
    with pytest.raises(Unauthenticated):
        paths(tx, enter(None))
    with pytest.raises(NotFound):
        enter("eve", "ann/private")
    for hidden in ("ann/internal", "ann/never-was", ""):
        assert enter(None, hidden, public_read=True) == enter(None, public_read=True)
    assert enter(None, "ann/public", public_read=True).may(Permission.ARTIFACTS_READ)
    assert not enter(None, "ann/public").permissions
    assert paths(tx, enter("eve"), text="PUBL") == ["ann/public"]
    assert paths(tx, enter("eve"), text="%") == []


def test_what_lies_beside_a_namespace_is_not_below_it(tx: Connection, enter: Enter) -> None:
    service.create_namespace(tx, enter("bob"), NamespaceCreate("t_m"))
    for path in ("t_m/a", "t_m/deep/er/b", "tam/deep/c", "t_mx/d", "t_m-/e", "t_m.x/f"):
        service.create_project(tx, LOCAL, ProjectCreate(path))
    assert paths(tx, enter("bob")) == ["t_m/a", "t_m/deep/er/b"]
    assert [each.name for each in service.search_namespaces(tx, enter("bob")).items] == ["t_m", "t_m/deep/er"]
    for path in ("tam/deep/c", "t_m/deep/er/b"):
        service.delete_project(tx, enter("root", path))
    assert paths(tx, enter("bob"), deleted=True) == ["t_m/deep/er/b"]


def test_what_lies_below_ones_own_namespace_is_ones_own(tx: Connection, enter: Enter) -> None:
    for path in ("ann/x", "ann/sub/y"):
        service.create_project(tx, enter("ann"), ProjectCreate(path))
        assert service.get_permissions(tx, enter("ann", path)).role is RoleName.OWNER
    assert paths(tx, enter("ann")) == ["ann/x", "ann/sub/y"]
    assert paths(tx, enter("bob")) == []


def test_pages_are_stable(tx: Connection) -> None:
    for number in range(7):
        service.create_project(tx, LOCAL, ProjectCreate(f"{'ab'[number % 2]}/{number}", topics=["t"]))
    found, token = [], None
    while token is not None or not found:
        page = service.search_projects(tx, LOCAL, topic="t", max_results=2, page_token=token)
        found += [each.path for each in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert found == ["a/0", "a/2", "a/4", "a/6", "b/1", "b/3", "b/5"]
    with pytest.raises(InvalidArgument, match="page"):
        service.search_projects(
            tx, LOCAL, topic="other", page_token=service.search_projects(tx, LOCAL, max_results=1).next_page_token
        )


def test_moving_keeps_the_old_path_until_it_is_taken(tx: Connection, enter: Enter) -> None:
    service.create_namespace(tx, enter("ann"), NamespaceCreate("team"))
    service.create_project(tx, enter("ann"), ProjectCreate("ann/churn"))
    key = enter("ann", "ann/churn").project
    moved = service.update_project(tx, enter("ann", "ann/churn"), ProjectUpdate(path="team/leavers"))
    assert moved.path == "team/leavers"
    assert enter("ann", "ann/churn").project == enter("ann", "team/leavers").project == key
    service.create_project(tx, enter("ann"), ProjectCreate("ann/churn"))
    assert enter("ann", "ann/churn").project != key
    back = service.update_project(tx, enter("ann", "team/leavers"), ProjectUpdate(path="ann/leavers"))
    assert back.path == "ann/leavers"
    with pytest.raises(AlreadyExists):
        service.update_project(tx, enter("ann", "ann/leavers"), ProjectUpdate(path="ann/churn"))


def test_moving_needs_rights_on_both_sides(tx: Connection, enter: Enter) -> None:
    service.create_namespace(tx, enter("ann"), NamespaceCreate("team"))
    service.create_project(tx, enter("ann"), ProjectCreate("team/churn"))
    service.set_member(tx, enter("ann", "team/churn"), MemberSet(HolderKind.USER, "bob", RoleName.MAINTAINER))
    bob = enter("bob", "team/churn")
    assert service.update_project(tx, bob, ProjectUpdate(path="team/renamed")).path == "team/renamed"
    with pytest.raises(PermissionDenied, match="project:delete"):
        service.update_project(tx, bob, ProjectUpdate(path="bob/churn"))
    with pytest.raises(NotFound):
        service.update_project(tx, enter("ann", "team/renamed"), ProjectUpdate(path="bob/churn"))
    with pytest.raises(FailedPrecondition, match="default project"):
        service.update_project(tx, LOCAL, ProjectUpdate(path="default/other"))


def test_deleted_projects_are_gone_until_they_are_restored(tx: Connection, enter: Enter) -> None:
    service.create_project(tx, enter("ann"), ProjectCreate("ann/churn", visibility=Visibility.PUBLIC))
    service.delete_project(tx, enter("ann", "ann/churn"))
    for name in ("ann", "root", "eve"):
        with pytest.raises(NotFound):
            enter(name, "ann/churn")
    assert "ann/churn" not in paths(tx, enter("root"))
    assert paths(tx, enter("ann"), deleted=True) == ["ann/churn"]
    assert paths(tx, enter("eve"), deleted=True) == []
    with pytest.raises(AlreadyExists, match="restored"):
        service.create_project(tx, enter("ann"), ProjectCreate("ann/churn"))
    with pytest.raises(NotFound):
        service.restore_project(tx, enter("eve"), "ann/churn")
    assert service.restore_project(tx, enter("ann"), "ann/churn").deleted_at is None
    assert enter("eve", "ann/churn")
    with pytest.raises(FailedPrecondition, match="default"):
        service.delete_project(tx, LOCAL)


def test_nothing_is_written_to_an_archived_project(tx: Connection, enter: Enter) -> None:
    service.create_project(tx, enter("ann"), ProjectCreate("ann/churn"))
    service.update_project(tx, enter("ann", "ann/churn"), ProjectUpdate(archived=True))
    inside = enter("ann", "ann/churn")
    assert tracking.search_experiments(tx, inside).items
    with pytest.raises(PermissionDenied, match="tracking:write"):
        tracking.create_experiment(tx, inside, ExperimentCreate("e"))
    service.update_project(tx, inside, ProjectUpdate(archived=False))
    assert tracking.create_experiment(tx, enter("ann", "ann/churn"), ExperimentCreate("e"))


def test_the_artifact_root_is_where_new_experiments_lie(tx: Connection) -> None:
    service.create_project(tx, LOCAL, ProjectCreate("team/churn", artifact_root="s3://bucket/churn/"))
    inside = replace(LOCAL, project=service.find_place(tx, Place("team/churn")).key)
    made = tracking.create_experiment(tx, inside, ExperimentCreate("e"))
    assert made.artifact_location == f"s3://bucket/churn/{made.experiment_id}"
    for wrong in ("http://host/x", "mlflow-artifacts:/1", "/etc", "s3://bucket/../other"):
        with pytest.raises(InvalidArgument, match="artifact_root"):
            service.update_project(tx, inside, ProjectUpdate(artifact_root=wrong))


def test_a_url_and_a_header_must_mean_the_same_project(tx: Connection) -> None:
    service.create_project(tx, LOCAL, ProjectCreate("team/churn"))
    root = identity.get_account(tx, identity.find_holder(tx, "user", "root"))
    assert service.enter(tx, root, None, Place("team/churn", "team-churn"), True)
    with pytest.raises(InvalidArgument, match="the workspace"):
        service.enter(tx, root, None, Place("team/churn", "default"), True)
    with pytest.raises(NotFound, match="Workspace 'nope' not found"):
        service.enter(tx, root, None, Place("", "nope"), True)
