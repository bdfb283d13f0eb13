"""What every vault promises."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.engines.vault import BACKENDS, Vault, WrappedKey, check_vault_url, open_vault
from mainspring.engines.vault.file import FileVault
from mainspring.engines.vault.hashicorp import HashicorpVault
from mainspring.kit.errors import Internal, InvalidArgument, MainspringError, Unavailable, Unsupported
from tests.components.key_services import Kms, Transit, listening

DATA_KEY = bytes(range(32))
ROTATING = (FileVault, HashicorpVault)


@pytest.fixture(params=list(BACKENDS))
def vault(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """Yield an empty vault of each kind."""
    open_vault.cache_clear()
    if request.param == "file":
        yield open_vault((tmp_path / "new" / "keys").as_uri())
    elif request.param == "env":
        monkeypatch.setenv("KEYS_OF_A_TEST", base64.b64encode(os.urandom(32)).decode())
        yield open_vault("env:KEYS_OF_A_TEST")
    elif request.param == "hashicorp":
        monkeypatch.setenv("VAULT_TOKEN", Transit.TOKEN)
        with listening(Transit()) as address:
            monkeypatch.setenv("VAULT_ADDR", address)
            yield open_vault("hashicorp:transit/mainspring")
    else:
        for name, value in (("ACCESS_KEY_ID", "id"), ("SECRET_ACCESS_KEY", "key"), ("DEFAULT_REGION", "eu-central-1")):
            monkeypatch.setenv(f"AWS_{name}", value)
        with listening(Kms()) as address:
            monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", address)
            yield open_vault("aws-kms:alias/mainspring")


def test_what_is_wrapped_is_unwrapped(vault: Vault) -> None:
    wrapped = vault.wrap(DATA_KEY, b'["project",1]')
    assert DATA_KEY not in wrapped.data
    assert vault.unwrap(wrapped, b'["project",1]') == DATA_KEY
    assert vault.keys() == [wrapped.key_id]
    assert vault.has(wrapped.key_id)


def test_the_same_key_is_wrapped_differently_each_time(vault: Vault) -> None:
    assert vault.wrap(DATA_KEY, b"c").data != vault.wrap(DATA_KEY, b"c").data


def test_another_context_does_not_open(vault: Vault) -> None:
    wrapped = vault.wrap(DATA_KEY, b"mine")
    with pytest.raises(Internal, match="belongs to another secret"):
        vault.unwrap(wrapped, b"yours")


def test_what_was_changed_does_not_open(vault: Vault) -> None:
    wrapped = vault.wrap(DATA_KEY, b"c")
    middle = len(wrapped.data) // 2
    other = b"A" if wrapped.data[middle : middle + 1] != b"A" else b"B"
    changed = wrapped.data[:middle] + other + wrapped.data[middle + 1 :]
    with pytest.raises(Internal, match="its wrapping was changed"):
        vault.unwrap(WrappedKey(wrapped.key_id, changed), b"c")


def test_an_unknown_key_is_not_there(vault: Vault) -> None:
    vault.wrap(DATA_KEY, b"c")
    assert not vault.has("transit/mainspring:v9")


def test_rotation_keeps_what_was_wrapped_before(vault: Vault) -> None:
    old = vault.wrap(DATA_KEY, b"c")
    if not isinstance(vault, ROTATING):
        with pytest.raises(Unsupported, match="mainspring keys rewrap"):
            vault.rotate()
        return
    made = vault.rotate()
    new = vault.wrap(DATA_KEY, b"c")
    assert made == new.key_id != old.key_id
    assert vault.keys() == [new.key_id, old.key_id]
    assert [vault.unwrap(wrapped, b"c") for wrapped in (old, new)] == [DATA_KEY, DATA_KEY]


def test_no_error_tells_a_key(vault: Vault) -> None:
    wrapped = vault.wrap(DATA_KEY, b"c")
    with pytest.raises(MainspringError) as refused:
        vault.unwrap(wrapped, b"d")
    for spelled in (DATA_KEY.hex(), base64.b64encode(DATA_KEY).decode(), Transit.TOKEN):
        assert spelled not in refused.value.message


@pytest.mark.parametrize("url", ["", "keys", "gpg:key", "file://host/keys", "hashicorp:key", "aws-kms:"])
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="vault_url is"):
        open_vault(check_vault_url(url) and url)


def test_keys_in_a_file_are_their_owners(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    vault = open_vault(path.as_uri())
    with pytest.raises(Unavailable, match="put it back from a backup"):
        vault.unwrap(WrappedKey("key-1", b""), b"c")
    assert not path.exists()
    vault.wrap(DATA_KEY, b"c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]
