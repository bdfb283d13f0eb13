"""MLflow's own client of users and permissions, against a server with accounts."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import httpx
import mlflow.server
import pytest
from mlflow import MlflowException

from tests.components.accounts import PASSWORD, Guarded

OTHER = "eleven geese over the barn"
By = Callable[..., Any]


@pytest.fixture(scope="session")
def client_module() -> Iterator[ModuleType]:
    """MLflow's module of the client; the package around it is its server, which wants more than is installed."""
    package = ModuleType("mlflow.server.auth")
    package.__path__ = [str(Path(mlflow.server.__file__).parent / "auth")]
    kept = {name: module for name, module in sys.modules.items() if name.startswith(package.__name__)}
    sys.modules[package.__name__] = package
    yield importlib.import_module(f"{package.__name__}.client")
    for name in [name for name in sys.modules if name.startswith(package.__name__)]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def by(guarded: Guarded, client_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> By:
    """A function that gives MLflow's client, as whoever has that name and password."""

    def client(name: str = "root", password: str = PASSWORD) -> Any:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        return client_module.AuthServiceClient(guarded.url)

    return client


@pytest.fixture
def name(by: By) -> Iterator[str]:
    """The name of a new user."""
    made = f"u{uuid4().hex[:12]}"
    user = by().create_user(made, PASSWORD)
    assert (user.username, user.is_admin) == (made, False)
    return made


def test_users_are_made_changed_and_deleted(by: By, name: str) -> None:
    admin = by()
    found = admin.get_user(name)
    assert isinstance(found.id, int)
    admin.update_user_admin(name, True)
    assert admin.get_user(name).is_admin
    admin.update_user_admin(name, False)
    admin.update_user_password(name, OTHER)
    assert by(name, OTHER).get_user(name).username == name
    by().delete_user(name)
    with pytest.raises(MlflowException, match="There is no user"):
        by().get_user(name)


def test_what_is_refused(by: By, name: str) -> None:
    admin = by()
    for given, reason in (
        ((name, PASSWORD), "is taken"),
        (("a b", PASSWORD), "a name has 1 to 100"),
        (("fine", "short"), "5 characters"),
    ):
        with pytest.raises(MlflowException, match=reason):
            admin.create_user(*given)
    with pytest.raises(MlflowException, match="last administrator"):
        admin.delete_user("root")
    with pytest.raises(MlflowException, match="The name or the password is wrong"):
        by(name, OTHER).get_user(name)


def test_a_user_manages_the_own_account_alone(by: By, name: str) -> None:
    user = by(name)
    for refused in (
        lambda: user.create_user("eve", PASSWORD),
        lambda: user.get_user("root"),
        lambda: user.update_user_admin(name, True),
        lambda: user.update_user_password("root", OTHER),
        lambda: user.delete_user("root"),
        lambda: user.grant_user_permission(name, "workspace", "*", "MANAGE"),
    ):
        with pytest.raises(MlflowException) as error:
            refused()
        assert error.value.error_code in ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(MlflowException, match="current_password"):
        user.update_user_password(name, OTHER)
    with pytest.raises(MlflowException, match="current_password is wrong"):
        user.update_user_password(name, OTHER, current_password="guessed wrong")
    user.update_user_password(name, OTHER, current_password=PASSWORD)
    assert by(name, OTHER).get_user(name).username == name


def test_permissions_on_a_workspace_are_roles(by: By, name: str) -> None:
    for permission, held, allowed in (
        ("READ", "READ", False),
        ("USE", "EDIT", True),
        ("EDIT", "EDIT", True),
        ("MANAGE", "MANAGE", True),
    ):
        by().grant_user_permission(name, "workspace", "*", permission)
        for kind in ("workspace", "experiment", "registered_model"):
            found = by(name).get_user_permission(name, kind, "0")
            assert (found.permission, found.allowed) == (held, allowed)
    by().revoke_user_permission(name, "workspace", "default")
    found = by().get_user_permission(name, "experiment", "0")
    assert (found.permission, found.allowed) == ("NO_PERMISSIONS", False)
    with pytest.raises(MlflowException, match="use one of READ"):
        by().grant_user_permission(name, "workspace", "*", "DENY")


def test_what_is_finer_than_a_project_says_what_to_do(by: By, name: str) -> None:
    admin = by()
    for refused in (
        lambda: admin.grant_user_permission(name, "experiment", "0", "READ"),
        lambda: admin.revoke_user_permission(name, "registered_model", "m"),
        lambda: admin.create_role("default", "r"),
        lambda: admin.list_roles("default"),
        lambda: admin.assign_role(name, 1),
        lambda: admin.update_role(1, "r"),
        lambda: admin.delete_role(1),
    ):
        with pytest.raises(MlflowException, match="project"):
            refused()
    # MLflow's page asks for them of everyone: nobody has roles that somebody has made up.
    assert admin.list_user_roles(name) == []


def test_the_list_and_oneself(guarded: Guarded, name: str) -> None:
    api = "/api/2.0/mlflow"
    listed = guarded.admin.get(f"{api}/users/list").json()["users"]
    assert name in {user["username"] for user in listed}
    assert {tuple(sorted(user)) for user in listed} == {("id", "is_admin", "roles", "username")}
    own = httpx.get(f"{guarded.url}{api}/users/current", auth=(name, PASSWORD)).json()
    assert (own["user"]["username"], own["is_basic_auth"]) == (name, True)
    assert httpx.get(f"{guarded.url}{api}/users/list", auth=(name, PASSWORD)).status_code == 403
    assert httpx.get(f"{guarded.url}{api}/users/current").status_code == 401
