"""The public names of the SDK, which only a new major version may take away."""

import inspect
import subprocess
import sys

import pytest

import mainspring as ms
from mainspring import client as sdk

NAMES = {"Client", "MainspringError", "Metric", "Transfer", "__version__", "connect", "runs"}
CALLS = {
    "ExperimentClient": "create delete delete_tag get restore search set_tag update",
    "RunClient": (
        "columns create delete delete_tag finish get groups log metric_history restore search series set_tag update"
    ),
    "ArtifactClient": "delete download list preview sign_download upload",
    "LineageClient": "emit events get",
    "LoggedModelClient": "download get list_files preview search",
    "ModelClient": (
        "approve_stage create create_version delete delete_alias delete_tag delete_version delete_version_tag "
        "download get get_by_alias get_version list_files measured preview reject_stage request_stage search "
        "search_versions set_alias set_tag set_version_tag stage_requests update update_version "
        "withdraw_stage_request"
    ),
    "StorageClient": "gc",
    "FileClient": "delete get list put upload",
    "ReleaseClient": "create delete get list",
    "ProjectClient": "archive create delete get move restore search unarchive update",
    "NamespaceClient": "create delete search",
    "MemberClient": "list remove set",
    "PermissionClient": "get why",
    "CatalogClient": "get lint readme search sources star sync unstar warnings",
    "ConfigurationClient": (
        "delete delete_schema diff effective get get_schema list rollback set set_schema versions watch"
    ),
    "SecretClient": "delete get list reveal set update versions",
    "EncryptionKeyClient": "list rewrap rotate",
    "QuotaClient": "get set",
    "AuditClient": "export search verify",
    "WebhookClient": "create delete deliveries get list redeliver test update",
    "UserClient": (
        "block change_password create create_password_link delete get me search set_admin set_password unblock update "
        "update_me"
    ),
    "GroupClient": "add_member create delete get members remove_member search update",
    "DeviceClient": "poll start",
    "AuthClient": (
        "create_key create_run_token keys refresh_run_token reset_password revoke_key revoke_session sessions set_up "
        "sign_out sign_out_everywhere who_am_i"
    ),
    "Client": "close url",
    "Results": "page",
    "RunResults": "count to_polars",
    "SeriesResults": "groups series to_polars",
}


def test_names() -> None:
    assert set(ms.__all__) == NAMES
    assert {name for name in NAMES if not hasattr(ms, name)} == set()


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    kind = getattr(sdk, name)
    assert sorted(call for call in vars(kind) if not call.startswith("_")) == sorted(CALLS[name].split())


def test_every_call_is_documented() -> None:
    calls = [getattr(getattr(sdk, name), call) for name in CALLS for call in CALLS[name].split()]
    assert [call for call in calls if not inspect.getdoc(call)] == []


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="attic"):
        _ = ms.attic


def test_the_network_is_loaded_only_when_it_is_needed() -> None:
    code = (
        "import sys, mainspring; assert 'httpx' not in sys.modules; mainspring.connect; assert 'httpx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
