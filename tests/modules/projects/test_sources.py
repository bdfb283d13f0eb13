"""Projects that are kept elsewhere: they come to be, follow their source, and keep what is theirs here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import UNSET
from sqlalchemy import Connection, select

from mainspring.engines.sources import SourceProject, Visibility
from mainspring.kit import events
from mainspring.kit.actors import SYSTEM
from mainspring.kit.errors import FailedPrecondition
from mainspring.kit.events import Event
from mainspring.modules.identity.tables import access_epoch
from mainspring.modules.projects import service, store
from mainspring.modules.projects.schemas import (
    HolderKind,
    MemberSet,
    NamespaceCreate,
    ProjectCreate,
    ProjectUpdate,
    RoleName,
)
from mainspring.modules.projects.service import Place
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.projects.store import origins
from mainspring.modules.projects.store.origins import SourceRecord
from tests.modules.projects.conftest import Enter

FLOOD = SourceProject(
    "101",
    "EO-Lab/Flood-Model",
    "Flood model",
    "Finds water.",
    Visibility.PUBLIC,
    ("sharinghub:aimodel", "flood"),
    created_at=1_000,
    changed_at=2_000,
    url="https://gitlab.example.org/eo-lab/flood-model",
    default_ref="main",
)


@pytest.fixture
def source(tx: Connection) -> SourceRecord:
    return mirrors.know_source(tx, "gitlab:https://gitlab.example.org")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The acts that are told of during a test."""
    acts: list[Event] = []
    monkeypatch.setattr(events, "_SUBSCRIBERS", [lambda _tx, event: acts.append(event)])
    return acts


def mirror(tx: Connection, source: SourceRecord, *projects: SourceProject) -> list[mirrors.Mirrored]:
    return mirrors.mirror_projects(tx, source, projects)


def epoch_of(tx: Connection) -> int:
    return int(tx.execute(select(access_epoch.c.number)).scalar_one())


def only(tx: Connection, source: SourceRecord, project: SourceProject) -> store.ProjectRecord:
    """Mirror one project, and return what is kept of it."""
    [found] = mirror(tx, source, project)
    record = store.get_project(tx, found.key)
    assert record is not None
    return record


def test_a_project_comes_to_be_as_its_source_has_it(tx: Connection, source: SourceRecord, told: list[Event]) -> None:
    project = only(tx, source, FLOOD)
    assert (project.path, project.workspace, project.visibility) == (
        "eo-lab/flood-model",
        "eo-lab-flood-model",
        "public",
    )
    assert (project.description, project.created_at, project.source) == ("Finds water.", 1_000, source.key)
    assert store.topics_of(tx, [project.key])[project.key] == ["flood", "sharinghub:aimodel"]
    origin = origins.get_origin(tx, project.key)
    assert origin is not None
    assert (origin.source, origin.external_id, origin.external_path) == (source.key, "101", FLOOD.path)
    assert (origin.url, origin.changed_at) == (FLOOD.url, 2_000)
    assert [(act.action, act.actor, act.project) for act in told] == [("project.create", SYSTEM, project.key)]
    assert mirrors.know_source(tx, source.name) == source


def test_nothing_is_told_and_no_access_changes_where_nothing_does(
    tx: Connection, source: SourceRecord, told: list[Event]
) -> None:
    only(tx, source, FLOOD)
    told.clear()
    epoch = epoch_of(tx)
    [again] = mirror(tx, source, FLOOD)
    assert not again.changed
    [active] = mirror(tx, source, replace(FLOOD, changed_at=3_000, stars=4))
    assert active.changed
    assert told == []
    assert epoch_of(tx) == epoch


def test_what_changes_there_changes_here_and_access_only_where_it_is_about_it(
    tx: Connection, source: SourceRecord, told: list[Event]
) -> None:
    key = only(tx, source, FLOOD).key
    epoch = epoch_of(tx)
    only(tx, source, replace(FLOOD, description="Finds floods.", topics=("sharinghub:dataset",)))
    assert epoch_of(tx) == epoch
    project = only(tx, source, replace(FLOOD, visibility=Visibility.PRIVATE, archived=True))
    assert epoch_of(tx) > epoch
    assert (project.visibility, project.description) == ("private", "Finds water.")
    assert project.archived_at is not None
    assert only(tx, source, FLOOD).archived_at is None
    assert [act.action for act in told] == ["project.create", *["project.update"] * 3]
    assert told[1].before == {
        "path": "eo-lab/flood-model",
        "visibility": "public",
        "description": "Finds water.",
        "topics": ["flood", "sharinghub:aimodel"],
        "archived": False,
    }
    assert told[1].after == told[1].before | {"description": "Finds floods.", "topics": ["sharinghub:dataset"]}
    assert {act.project for act in told} == {key}


def test_a_moved_project_keeps_its_workspace_and_its_old_path_leads_to_it(
    tx: Connection, source: SourceRecord, enter: Enter
) -> None:
    before = only(tx, source, FLOOD)
    after = only(tx, source, replace(FLOOD, path="water/floods/model"))
    assert (after.key, after.path, after.workspace) == (before.key, "water/floods/model", "eo-lab-flood-model")
    assert service.find_place(tx, Place("eo-lab/flood-model")).key == before.key
    assert only(tx, source, FLOOD).path == "eo-lab/flood-model"
    assert service.find_place(tx, Place("water/floods/model")).key == before.key


def test_a_path_that_is_taken_is_had_with_the_id_behind_until_it_is_free(
    tx: Connection, source: SourceRecord, enter: Enter
) -> None:
    root = enter("root")
    service.create_project(tx, root, ProjectCreate("eo-lab/flood-model"))
    project = only(tx, source, FLOOD)
    assert project.path == "eo-lab/flood-model-101"
    assert only(tx, source, FLOOD).path == "eo-lab/flood-model-101"
    other = mirrors.know_source(tx, "gitea:https://gitea.example.org")
    assert only(tx, other, replace(FLOOD, id="7")).path == "eo-lab/flood-model-7"
    home = service.acting_in(tx, root, Place("eo-lab/flood-model"))
    service.update_project(tx, home, ProjectUpdate(path="eo-lab/mine"))
    assert only(tx, source, FLOOD).path == "eo-lab/flood-model"


def test_two_projects_that_change_places_have_their_own_paths_in_the_end(tx: Connection, source: SourceRecord) -> None:
    one, two = replace(FLOOD, id="1", path="a/x"), replace(FLOOD, id="2", path="a/y")
    mirror(tx, source, one, two)
    swapped = (replace(one, path="a/y"), replace(two, path="a/x"))
    mirror(tx, source, *swapped)
    keys = {each.external_id: each.key for each in mirror(tx, source, *swapped)}
    assert store.paths_of(tx, keys.values()) == {keys["1"]: "a/y", keys["2"]: "a/x"}


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("Group/.hidden", "group/hidden"),
        ("group/sub.group/Name With Spaces", "group/sub.group/name-with-spaces"),
        ("projects/api", "projects_/api_"),
        ("group/ends.", "group/ends"),
        ("group/ünï", "group/n-"),
        ("alone", "gitlab/alone"),
        ("/".join("abcdefghijklmnopqrstuvwxyz"), "gitlab/101"),
        ("g" * 300 + "/" + "n" * 300, "g" * 99 + "/" + "n" * 99),
    ],
    ids=["dots", "spaces", "reserved", "dot at the end", "letters", "no namespace", "too deep", "too long"],
)
def test_paths_are_made_to_fit(tx: Connection, source: SourceRecord, path: str, here: str) -> None:
    assert only(tx, source, replace(FLOOD, path=path)).path == here


def test_texts_that_no_database_keeps_are_made_to_fit(tx: Connection, source: SourceRecord) -> None:
    topics = ("sharinghub:aimodel", "t" * 101, " ", "two\nlines", *(f"t{number}" for number in range(30)))
    project = only(tx, source, replace(FLOOD, description="a\0b\ud800" + "c" * 5_000, topics=topics))
    assert project.description == "ab?" + "c" * 1_997
    assert len(store.topics_of(tx, [project.key])[project.key]) == 20
    bad = replace(FLOOD, id="7", path="a\0b/c\ud800", url="https://gitlab.example.org/\0")
    assert only(tx, source, bad).path == "a-b/c-"
    assert mirror(tx, source, replace(FLOOD, id="8\0"), replace(FLOOD, id="")) == []


def test_only_what_is_wanted_comes_to_be_and_what_is_here_is_kept_in_step(tx: Connection, source: SourceRecord) -> None:
    assert mirrors.mirror_projects(tx, source, [FLOOD], wanted=()) == []
    assert mirror(tx, source, replace(FLOOD, id="9" * 201)) == []
    only(tx, source, FLOOD)
    [kept] = mirrors.mirror_projects(tx, source, [replace(FLOOD, topics=())], wanted=())
    assert store.topics_of(tx, [kept.key])[kept.key] == []


def test_who_makes_a_namespace_above_gets_nothing(tx: Connection, source: SourceRecord, enter: Enter) -> None:
    secret = replace(FLOOD, path="team/deep/secret", visibility=Visibility.PRIVATE)
    only(tx, source, secret)
    with pytest.raises(Exception, match="exists already"):
        service.create_namespace(tx, enter("eve"), NamespaceCreate("team"))


@pytest.mark.parametrize("how", ["their own", "made before"])
def test_owners_of_a_namespace_here_have_no_role_in_what_is_kept_elsewhere(
    tx: Connection, source: SourceRecord, enter: Enter, how: str
) -> None:
    if how == "made before":
        service.create_namespace(tx, enter("eve"), NamespaceCreate("team"))
    path = "eve/secret" if how == "their own" else "team/secret"
    secret = only(tx, source, replace(FLOOD, path=path, visibility=Visibility.PRIVATE))
    eve = enter("eve")
    assert path not in [each.path for each in service.search_projects(tx, eve).items]
    assert not store.is_visible(tx, eve, secret.key)
    with pytest.raises(Exception, match="There is no project"):
        enter("eve", path)
    mine = path.replace("secret", "mine")
    service.create_project(tx, eve, ProjectCreate(mine))
    assert enter("eve", mine).workspace.endswith("mine")


def test_what_its_source_decides_is_not_changed_here(tx: Connection, source: SourceRecord, enter: Enter) -> None:
    only(tx, source, FLOOD)
    root = enter("root", "eo-lab/flood-model")
    for change, what in (
        (ProjectUpdate(path="a/b"), "its path is changed there"),
        (ProjectUpdate(visibility="private", topics=[]), "its visibility and topics are changed there"),  # type: ignore[arg-type]
        (ProjectUpdate(description="x"), "its description is changed there"),
        (ProjectUpdate(archived=True), "its archived is changed there"),
    ):
        with pytest.raises(FailedPrecondition, match=f"'eo-lab/flood-model' is kept at {FLOOD.url}: {what}"):
            service.update_project(tx, root, change)
    assert service.update_project(tx, root, ProjectUpdate(readme="# Here")).readme == "# Here"
    assert ProjectUpdate().path is UNSET


def test_a_project_that_is_gone_there_is_hidden_and_comes_back(
    tx: Connection, source: SourceRecord, enter: Enter, told: list[Event]
) -> None:
    key = only(tx, source, FLOOD).key
    assert store.is_visible(tx, enter("eve"), key)
    told.clear()
    epoch = epoch_of(tx)
    mirrors.hide_project(tx, key)
    mirrors.hide_project(tx, key)
    assert epoch_of(tx) > epoch
    assert [act.action for act in told] == ["project.update"]
    assert not store.is_visible(tx, enter("eve"), key)
    hidden = store.get_project(tx, key)
    assert hidden is not None
    assert (hidden.visibility, hidden.archived_at is None) == ("private", False)
    assert origins.list_unseen(tx, source.key, before=2**60, limit=10) == []
    [back] = mirror(tx, source, FLOOD)
    assert (back.key, back.changed) == (key, True)
    assert store.is_visible(tx, enter("eve"), key)


def test_a_project_is_deleted_where_it_is_kept(tx: Connection, source: SourceRecord, enter: Enter) -> None:
    key = only(tx, source, FLOOD).key
    service.set_member(tx, enter("root", "eo-lab/flood-model"), MemberSet(HolderKind.USER, "ann", RoleName.OWNER))
    with pytest.raises(FailedPrecondition, match="delete it there"):
        service.delete_project(tx, enter("ann", "eo-lab/flood-model"))
    mirrors.hide_project(tx, key)
    service.delete_project(tx, enter("ann", "eo-lab/flood-model"))
    assert mirror(tx, source, FLOOD) == []


def test_changes_wait_until_they_are_read(tx: Connection, source: SourceRecord) -> None:
    origins.note_changes(tx, source.key, ["1", "2", "1"], due=10)
    origins.note_changes(tx, source.key, ["3"], due=20)
    assert origins.list_changes(tx, source.key, now=15, limit=10) == [("1", 10), ("2", 10)]
    assert origins.list_changes(tx, source.key, now=20, limit=1) == [("3", 20)]
    origins.note_changes(tx, source.key, ["1"], due=30)  # while it is read
    origins.settle_change(tx, source.key, "1", 10)
    origins.postpone_change(tx, source.key, "1", 10, due=99)
    origins.settle_change(tx, source.key, "2", 10)
    origins.note_changes(tx, source.key, ["4"], due=25)
    assert origins.list_changes(tx, source.key, now=50, limit=10) == [("1", 30), ("4", 25), ("3", 20)]
    origins.postpone_change(tx, source.key, "1", 30, due=99)
    assert [id for id, _ in origins.list_changes(tx, source.key, now=50, limit=10)] == ["4", "3"]
    assert origins.count_changes(tx, source.key) == 3
