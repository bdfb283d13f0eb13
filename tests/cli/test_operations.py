"""Law 5: every operation of the API is in the SDK and on the command line, or on a list here.

The server's own log says what it was asked.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import mainspring as ms
from mainspring.kit.errors import FailedPrecondition, NotFound
from mainspring.modules.identity.schemas import AccountKind
from tests.cli.conftest import Typed
from tests.components.ports import wait_until
from tests.components.server import MainspringServer

# Operation → why neither has it.
NEEDLESS = {
    "list_runs": "search_runs finds the runs of one experiment too",
    "head_run_artifact": "a listing tells the size",
    "head_file": "a listing tells the size",
    "head_logged_model_artifact": "a listing tells the size",
    "head_model_version_artifact": "a listing tells the size",
    "poll_device": "asked by `mainspring login` once it has begun, which a server without accounts refuses",
    "get_device": "the page /device shows whom one would let in",
    "answer_device": "the page /device asks",
    "render_markdown": "the page shows what people wrote; programs have what renders it for them",
    "sign_in": "a browser signs in; programs bring a token, or a name and a password, with each request",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MainspringServer]:
    """Yield a server of the test's own, which logs each request."""
    with MainspringServer(
        tmp_path / "data", "--log-level", "debug", "--log-format", "json", "--webhook-private-addresses"
    ) as started:
        yield started


def operations(server: MainspringServer) -> dict[str, tuple[str, re.Pattern[str]]]:
    """Return the operations of the API: method, and pattern of the path."""
    paths: dict[str, Any] = httpx.get(f"{server.url}/api/v1/openapi.json").json()["paths"]
    return {
        operation["operationId"]: (method.upper(), re.compile(path_pattern(path)))
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def path_pattern(path: str) -> str:
    whole = re.sub(r"\{(path|key)\}", r".+", path)
    return re.sub(r"\{\w+\}", r"[^/]+", whole)


def called(server: MainspringServer) -> set[str]:
    """Return the operations that the server was asked for since its log was last emptied."""
    known = operations(server)  # before the log is read: a request's line comes after its answer
    asked = set()
    for line in server.log.splitlines():
        with suppress(json.JSONDecodeError):
            event = json.loads(line)
            if event.get("event") == "request":
                asked.add((event["method"], re.sub("^/p/.*?(?=/api/)", "", event["path"])))
    found = set()
    for method, path in asked:
        fitting = [name for name, (own, pattern) in known.items() if own == method and pattern.fullmatch(path)]
        # "/runs/search" is no run's id: the path with the fewest variables is meant.
        found |= set(sorted(fitting, key=lambda name: known[name][1].pattern.count("+"))[:1])
    return found


def make_logged_model(server: MainspringServer) -> str:
    """Log a model as MLflow's client does, and return its id."""
    api = f"{server.url}/api/2.0/mlflow"
    model = httpx.post(f"{api}/logged-models", json={"experiment_id": "0", "name": "m"}).json()["model"]["info"]
    proxy = f"{server.url}/api/2.0/mlflow-artifacts/artifacts"
    folder = model["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    httpx.put(f"{proxy}/{folder}/sub/f.txt", content=b"f").raise_for_status()
    httpx.put(f"{proxy}/{folder}/t.csv", content=b"a,b\n1,2\n").raise_for_status()
    return str(model["model_id"])


def first_delivery(client: ms.Client, webhook: str) -> str:
    """Return the id of what a webhook is sent first, which takes a moment."""
    wait_until(lambda: bool(list(client.webhooks.deliveries(webhook))), "a delivery", 10)
    return next(iter(client.webhooks.deliveries(webhook))).delivery_id


def use_accounts(client: ms.Client, run: str) -> None:
    """Call what there is of accounts; the server has none, so that what is about one's own is refused."""
    password = "a lantern in the quiet hall"
    client.users.create("anna")
    client.users.create("ci", kind=AccountKind.SERVICE)
    list(client.users.search())
    client.users.get("anna")
    client.users.update("anna", email="anna@example.org")
    client.users.set_admin("anna", True)
    client.users.set_password("anna", password)
    client.users.create_password_link("anna")
    client.groups.create("team")
    list(client.groups.search())
    client.groups.get("team")
    client.groups.update("team", description="d")
    client.groups.add_member("team", "ci")
    list(client.groups.members("team"))
    client.groups.remove_member("team", "ci")
    client.groups.delete("team")
    key = client.auth.create_key("k", user="ci").id
    client.auth.keys("ci")
    client.auth.revoke_key(key)
    client.users.block("ci")
    client.users.unblock("ci")
    client.users.delete("ci")
    client.auth.who_am_i()
    client.auth.sign_out()
    for own in (
        client.users.me,
        lambda: client.users.update_me(display_name="A"),
        lambda: client.users.change_password(password, password),
        client.auth.sessions,
        lambda: client.auth.revoke_session(1),
        client.auth.sign_out_everywhere,
        lambda: client.auth.create_run_token(run),
        client.auth.refresh_run_token,
        lambda: client.auth.set_up("msl_x", "ada", password),
        lambda: client.auth.reset_password("msl_x", password),
        lambda: client.devices.start("mainspring on laptop"),
    ):
        with pytest.raises(FailedPrecondition):
            own()


def type_of_accounts(typed: Typed, monkeypatch: pytest.MonkeyPatch, run: str) -> None:
    """Type what there is of accounts; the server has none, so that what is about one's own is refused."""
    password = "a lantern in the quiet hall"
    lines = """
        users create anna
        users create ci --service
        users list
        users get anna
        users update anna --email anna@example.org
        users set-admin anna
        users set-password anna
        users password-link anna
        groups create team
        groups list
        groups get team
        groups update team --description d
        groups add-member team ci
        groups members team
        groups remove-member team ci
        groups delete team --yes
        users block ci
        users unblock ci
        whoami
        tokens revoke-current --yes
    """
    own = f"""
        users me
        users update-me --display-name A
        users change-password
        users setup ada
        users reset-password
        sessions list
        sessions end 1
        sessions end-all --yes
        tokens create-for-run {run}
        tokens refresh
        login
    """
    for code, group in ((0, lines), (FailedPrecondition.code.exit_code, own)):
        for line in filter(None, map(str.strip, group.splitlines())):
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n" * 2))
            typed(*line.split(), code=code)
    key = typed("tokens", "create", "k", "--user", "ci", "--json").json["id"]
    typed("tokens", "list", "--user", "ci")
    typed("tokens", "revoke", key, "--yes")
    typed("users", "delete", "ci", "--yes")


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have files sent and fetched as large ones are; what is remembered of them stays in the test's folder."""
    monkeypatch.setenv("MAINSPRING_DIRECT_FROM", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def interrupt_an_upload(server: MainspringServer, run: str, file: Path) -> None:
    """Break off the upload of a file before its first byte has come."""

    def stop(transfer: ms.Transfer) -> None:
        raise KeyboardInterrupt

    with ms.connect(server.url) as client, pytest.raises(KeyboardInterrupt):
        client.artifacts.upload(run, file, progress=stop)


def use_projects(client: ms.Client) -> None:
    """Call all there is of projects; anna has an account."""
    client.namespaces.create("lab")
    list(client.namespaces.search())
    client.projects.create("lab/churn")
    list(client.projects.search())
    client.projects.get("lab/churn")
    client.projects.update("lab/churn", description="d")
    client.projects.archive("lab/churn")
    client.projects.unarchive("lab/churn")
    client.projects.move("lab/churn", "default/churn")
    client.members.set("anna", "developer", project="default/churn")
    client.members.list(project="default/churn")
    client.members.remove("anna", project="default/churn")
    client.permissions.get(project="default/churn")
    client.permissions.why("tracking:read", "anna", project="default/churn")
    client.projects.delete("default/churn")
    client.projects.restore("default/churn")
    client.namespaces.delete("lab")


PROJECTS = """
    namespaces create lab
    namespaces list
    projects create lab/churn
    projects list
    projects show lab/churn
    projects update lab/churn --description d
    projects archive lab/churn
    projects unarchive lab/churn
    projects move lab/churn default/churn
    --project default/churn members set anna developer
    --project default/churn members list
    --project default/churn members remove anna
    --project default/churn permissions show
    --project default/churn permissions why tracking:read --user anna
    projects delete default/churn --yes
    projects restore default/churn
    namespaces delete lab --yes
"""
"""All there is of projects; anna has an account."""


def use_catalog(client: ms.Client) -> None:
    """Call all there is of the catalog."""
    client.projects.create("default/found", topics=["sharinghub:aimodel"], readme="---\nlicense: [1]\n---\n# Found\n")
    assert [item["id"] for item in client.catalog.search("found")] == ["found"]
    assert client.catalog.get("ai-model", "default/found")["id"] == "found"
    assert [item.project for item in client.catalog.warnings()] == ["default/found"]
    assert client.catalog.lint("---\n[\n---\n")
    assert "<h1>" in client.catalog.readme("default/found").html
    client.catalog.star("default/found")
    client.catalog.unstar("default/found")
    client.catalog.sources()
    client.catalog.sync()


CATALOG = """
    projects create default/found --topic sharinghub:aimodel
    catalog search found
    catalog show ai-model default/found
    catalog warnings
    catalog readme default/found
    --project default/found catalog star
    catalog unstar default/found
    catalog sources
    catalog sync
"""
"""All there is of the catalog, but for what a README is checked by."""


def use_configuration(client: ms.Client) -> None:
    """Call all there is of configuration documents, secrets and their keys."""
    client.config.set_schema("c", {"type": "object"})
    client.config.get_schema("c")
    client.config.delete_schema("c")
    client.config.set("c", {"a": 1}, "dev")
    client.config.get("c", "dev")
    client.config.get("c", "dev", version=1)
    client.config.effective("c", "dev")
    next(client.config.watch("c", "dev"))
    list(client.config.list())
    client.config.set("c", {"a": 2}, "dev")
    list(client.config.versions("c", "dev"))
    client.config.diff("c", 1, environment="dev")
    client.config.rollback("c", 1, "dev")
    client.config.delete("c", "dev")
    client.secrets.set("s", "v", "dev")
    list(client.secrets.list())
    client.secrets.get("s", "dev")
    client.secrets.update("s", "dev", description="d")
    client.secrets.versions("s", "dev")
    client.secrets.reveal("s", "dev")
    client.secrets.delete("s", "dev")
    client.encryption_keys.rotate()
    client.encryption_keys.rewrap()
    client.encryption_keys.list()


def test_every_operation_is_in_the_sdk(server: MainspringServer, tmp_path: Path) -> None:
    file, small, table = tmp_path / "f.txt", tmp_path / "empty", tmp_path / "t.csv"
    file.write_text("f")
    table.write_text("a,b\n1,2\n")
    small.touch()
    with ms.connect(server.url) as client:
        experiment = client.experiments.create("e").experiment_id
        client.experiments.get(experiment)
        list(client.experiments.search())
        client.experiments.update(experiment, name="f")
        client.experiments.set_tag(experiment, "k", "v")
        client.experiments.delete_tag(experiment, "k")
        client.experiments.delete(experiment)
        client.experiments.restore(experiment)
        run = client.runs.create(experiment).run_id
        list(client.runs.search([experiment]))
        client.runs.get(run)
        client.runs.log(run, metrics={"m": 1})
        list(client.runs.metric_history(run, "m"))
        assert client.runs.series(["m"], [run]).series
        assert client.runs.columns([experiment]).metrics == ["m"]
        assert client.runs.groups([experiment], [], ["m"]).runs == 1
        client.runs.set_tag(run, "k", "v")
        client.runs.delete_tag(run, "k")
        client.runs.finish(run)
        client.runs.delete(run)
        client.runs.restore(run)
        for resume in (True, False):
            interrupt_an_upload(server, run, file)
            client.artifacts.upload(run, file, resume=resume)
        client.artifacts.upload(run, file, "model")
        client.artifacts.upload(run, small, "model")
        client.artifacts.upload(run, table, "model")
        assert client.artifacts.preview(run, "model/t.csv").table
        client.artifacts.list(run)
        client.artifacts.sign_download(run, "model/f.txt")
        client.artifacts.download(run, "model", tmp_path / "run")
        client.artifacts.upload(run, file)
        client.artifacts.delete(run, "f.txt")
        client.files.put(small, "data/f.txt")
        list(client.files.list())
        client.files.get("data/f.txt", tmp_path / "files")
        client.releases.create("v1")
        list(client.releases.list())
        client.releases.get("v1")
        client.releases.delete("v1")
        client.files.delete("data/f.txt")
        client.models.create("m")
        list(client.models.search())
        client.models.get("m")
        client.models.update("m", description="d")
        client.models.set_tag("m", "k", "v")
        client.models.delete_tag("m", "k")
        client.models.create_version("m", f"runs:/{run}/model", run_id=run)
        list(client.models.search_versions())
        list(client.models.search_versions("m"))
        client.models.get_version("m", 1)
        client.models.update_version("m", 1, description="d")
        client.models.set_version_tag("m", 1, "k", "v")
        client.models.delete_version_tag("m", 1, "k")
        client.models.measured("m", [1])
        asked = client.models.request_stage("m", 1, "Staging").id
        list(client.models.stage_requests())
        client.models.approve_stage(asked)
        client.models.withdraw_stage_request(client.models.request_stage("m", 1, "None").id)
        client.models.set_alias("m", "a", 1)
        client.models.get_by_alias("m", "a")
        client.models.delete_alias("m", "a")
        client.models.list_files("m", 1)
        client.models.preview("m", 1, "t.csv")
        client.models.download("m", 1, to=tmp_path / "version")
        client.models.delete_version("m", 1)
        client.models.delete("m")
        logged = make_logged_model(server)
        list(client.logged_models.search(["0"]))
        client.logged_models.get(logged)
        client.logged_models.list_files(logged)
        client.logged_models.preview(logged, "t.csv")
        client.logged_models.download(logged, to=tmp_path / "logged")
        client.lineage.get(f"run:{run}")
        client.lineage.emit(client.lineage.events(run))
        use_accounts(client, run)
        use_projects(client)
        use_catalog(client)
        use_configuration(client)
        client.storage.gc(dry_run=True)
        client.quotas.set({"runs": 100})
        client.quotas.get()
        assert list(client.audit.search())
        assert b"".join(client.audit.export())
        assert client.audit.verify().problem is None
        webhook = client.webhooks.create("w", f"{server.url}/livez", ["run.*"]).webhook_id
        list(client.webhooks.list())
        client.webhooks.get(webhook)
        client.webhooks.test(webhook)
        client.runs.delete(run)
        delivery = first_delivery(client, webhook)
        client.webhooks.redeliver(webhook, delivery)
        client.webhooks.update(webhook, description="d")
        client.webhooks.delete(webhook)
        with pytest.raises(NotFound):
            client.models.get("m")
    assert operations(server).keys() - called(server) == NEEDLESS.keys()


def test_every_operation_is_on_the_command_line(
    typed: Typed, server: MainspringServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAINSPRING_URL", server.url)
    (tmp_path / "f.txt").write_text("f")
    (tmp_path / "empty").touch()
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (tmp_path / "events.json").write_text("[]")
    (tmp_path / "c.json").write_text('{"a": 1}')
    monkeypatch.setattr("sys.stdin", io.StringIO("the value\n"))
    experiment = typed("experiments", "create", "e", "--quiet").out.strip()
    run = typed("runs", "create", "--experiment", experiment, "--quiet").out.strip()
    logged = make_logged_model(server)
    lines = f"""
        experiments get {experiment}
        experiments search
        experiments update {experiment} --name f
        experiments set-tag {experiment} k v
        experiments delete-tag {experiment} k
        experiments delete {experiment}
        experiments restore {experiment}
        runs search {experiment}
        runs get {run}
        runs log {run} --metric m=1
        runs metric-history {run} m
        runs columns {experiment}
        runs groups {experiment} --by params.lr --metric m
        runs series {run} --key m
        runs set-tag {run} k v
        runs delete-tag {run} k
        runs update {run} --status FINISHED
        runs delete {run}
        runs restore {run}
        artifacts upload {run} {tmp_path}/f.txt --no-resume
        artifacts upload {run} {tmp_path}/f.txt model
        artifacts upload {run} {tmp_path}/empty model
        artifacts upload {run} {tmp_path}/t.csv model
        artifacts preview {run} model/t.csv
        artifacts list {run}
        artifacts url {run} model/f.txt
        artifacts download {run} model --to {tmp_path}/run
        artifacts upload {run} {tmp_path}/f.txt
        artifacts delete {run} f.txt --yes
        files put {tmp_path}/f.txt data/f.txt
        files list data/ --json
        files get data/ --to {tmp_path}/files
        releases create v1
        releases list
        releases show v1 --json
        releases delete v1 --yes
        files delete data/f.txt --yes
        models create m
        models search
        models get m
        models update m --description d
        models set-tag m k v
        models delete-tag m k
        models versions create m runs:/{run}/model --run-id {run}
        models versions search
        models versions search m
        models versions get m 1
        models versions update m 1 --description d
        models versions set-tag m 1 k v
        models versions delete-tag m 1 k
        models versions measured m 1
        models requests create m 1 Staging
        models requests list
        models requests reject 1
        models requests create m 1 Staging
        models requests withdraw 2
        models set-alias m a 1
        models get-alias m a
        models delete-alias m a
        models versions files m 1
        models versions preview m 1 t.csv
        models versions download m 1 --to {tmp_path}/version
        models versions delete m 1 --yes
        models delete m --yes
        logged-models search
        logged-models get {logged}
        logged-models files {logged}
        logged-models preview {logged} t.csv
        logged-models download {logged} --to {tmp_path}/logged
        lineage show run:{run}
        lineage events --run-id {run}
        lineage emit {tmp_path}/events.json
        configuration schema set c {tmp_path}/c.json
        configuration schema get c
        configuration schema delete c --yes
        configuration set c {tmp_path}/c.json -e dev
        configuration set c {tmp_path}/c.json -e dev -m again
        configuration get c -e dev
        configuration get c -e dev --version 1
        configuration effective c -e dev --sources
        configuration watch c -e dev --count 1
        configuration list
        configuration versions c -e dev
        configuration diff c 1 -e dev
        configuration rollback c 1 -e dev
        configuration delete c -e dev --yes
        secrets set s -e dev --reader r
        secrets list
        secrets get s -e dev
        secrets update s -e dev --description d
        secrets versions s -e dev
        secrets reveal s -e dev
        secrets delete s -e dev --yes
        keys rotate
        keys list
        gc --dry-run
        quotas set runs=100
        quotas show
        audit search
        audit export
        audit verify
        webhooks create w {server.url}/livez --event run.*
        webhooks list
    """
    for line in filter(None, map(str.strip, lines.splitlines())):
        if "upload" in line:
            interrupt_an_upload(server, run, tmp_path / "f.txt")
        typed(*line.split())
    [webhook] = typed("webhooks", "list", "--json").json["items"]
    webhook = webhook["webhook_id"]
    typed("runs", "delete", run)
    with ms.connect(server.url) as client:
        delivery = first_delivery(client, webhook)
    for words in (
        ("get", webhook),
        ("test", webhook),
        ("deliveries", webhook),
        ("redeliver", webhook, delivery),
        ("update", webhook, "--description", "d"),
        ("delete", webhook, "--yes"),
    ):
        typed("webhooks", *words)
    type_of_accounts(typed, monkeypatch, run)
    for line in filter(None, map(str.strip, (PROJECTS + CATALOG).splitlines())):
        typed(*line.split())
    typed("catalog", "lint", f"{tmp_path}/f.txt", "--url", server.url)
    assert operations(server).keys() - called(server) == NEEDLESS.keys()
