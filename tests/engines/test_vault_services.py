"""What is asked of services that keep keys, and what is said when they refuse, are away, or not set up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from botocore.stub import Stubber

from mainspring.engines.vault import WrappedKey, open_vault
from mainspring.engines.vault.aws_kms import AwsKmsVault
from mainspring.engines.vault.file import FileVault
from mainspring.kit.errors import FailedPrecondition, Internal, Unavailable
from tests.components.key_services import Kms, Transit, listening
from tests.components.ports import free_port

KEY, CONTEXT = bytes(32), '["über",1]'.encode()


@pytest.fixture
def kms() -> Iterator[tuple[AwsKmsVault, Stubber]]:
    """Yield a vault whose requests are held against what the service takes, by botocore's own description."""
    vault = AwsKmsVault("aws-kms:alias/mainspring")
    client = get_session().create_client(
        "kms", region_name="eu-central-1", aws_access_key_id="id", aws_secret_access_key="key"
    )
    vault._kms = client
    with Stubber(client) as stubber:
        yield vault, stubber
        stubber.assert_no_pending_responses()


def test_requests_to_kms(kms: tuple[AwsKmsVault, Stubber]) -> None:
    vault, stubber = kms
    context = {"mainspring": CONTEXT.decode()}
    asked: dict[str, Any] = {"KeyId": "alias/mainspring", "Plaintext": KEY, "EncryptionContext": context}
    stubber.add_response("encrypt", {"CiphertextBlob": b"wrapped", "KeyId": Kms.ARN}, asked)
    wrapped = vault.wrap(KEY, CONTEXT)
    assert wrapped == WrappedKey(Kms.ARN, b"wrapped")
    asked = {"KeyId": Kms.ARN, "CiphertextBlob": b"wrapped", "EncryptionContext": context}
    stubber.add_response("decrypt", {"Plaintext": KEY, "KeyId": Kms.ARN}, asked)
    assert vault.unwrap(wrapped, CONTEXT) == KEY


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", Unavailable),
        ("KMSInternalException", Unavailable),
        ("DisabledException", FailedPrecondition),
        ("NotFoundException", FailedPrecondition),
        ("InvalidCiphertextException", Internal),
        ("IncorrectKeyException", Internal),
    ],
)
def test_refusals_of_kms(kms: tuple[AwsKmsVault, Stubber], code: str, kind: type[Exception]) -> None:
    vault, stubber = kms
    stubber.add_client_error("decrypt", code)
    with pytest.raises(kind):
        vault.unwrap(WrappedKey(Kms.ARN, b"wrapped"), CONTEXT)


@pytest.fixture
def transit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transit]:
    """Yield a double of Vault that the environment leads to."""
    open_vault.cache_clear()
    service = Transit()
    with listening(service) as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", Transit.TOKEN)
        yield service


def test_vault_refuses_the_token(transit: Transit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "wrong-token")
    with pytest.raises(Unavailable, match="refuses the token of VAULT_TOKEN") as refused:
        open_vault("hashicorp:transit/k").wrap(KEY, CONTEXT)
    assert "wrong-token" not in refused.value.message


def test_vault_has_no_such_engine(transit: Transit) -> None:
    with pytest.raises(FailedPrecondition, match="transit engine at 'elsewhere'"):
        open_vault("hashicorp:elsewhere/k").wrap(KEY, CONTEXT)


def test_vault_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    open_vault.cache_clear()
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("VAULT_TOKEN", "secret-token")
    with pytest.raises(Unavailable, match="does not answer") as refused:
        open_vault("hashicorp:transit/k").keys()
    assert refused.value.retry_after == 5
    assert "secret-token" not in refused.value.message


def test_without_its_library_the_vault_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['hvac'] = None\n"
        "from mainspring.engines.vault import open_vault\n"
        "from mainspring.kit.errors import Unsupported\n"
        "try: open_vault('hashicorp:transit/k')\n"
        "except Unsupported as error: print(error.message)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install mainspring[vault]" in done.stdout


ADDER = """
import sys
from mainspring.engines.vault.file import FileVault
vault = FileVault(sys.argv[1])
for _ in range(10):
    vault.rotate()
print(vault.wrap(bytes(32), b"c").data.hex())
"""


def test_processes_that_add_keys_at_once_lose_none(tmp_path: Path) -> None:
    url = (tmp_path / "keys").as_uri()
    adders = [subprocess.Popen([sys.executable, "-c", ADDER, url], stdout=subprocess.PIPE) for _ in range(3)]
    assert [adder.wait(60) for adder in adders] == [0, 0, 0]
    assert len(FileVault(url).keys()) == 30
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("key-1 short\n", "Line 1 of the key file"),
        (f"key-1 {'A' * 43}=\nkey-1 {'B' * 42}A=\n", "Line 2 of the key file"),
        ("\xff\xfe", "Line 1"),
    ],
)
def test_a_spoilt_key_file_is_not_believed(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content.encode("latin-1"))
    path.chmod(0o600)
    vault = FileVault(path.as_uri())
    for call in (vault.keys, vault.rotate, lambda: vault.wrap(KEY, CONTEXT)):
        with pytest.raises(FailedPrecondition, match=message):
            call()
    assert path.read_bytes() == content.encode("latin-1")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_of_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    FileVault(path.as_uri()).rotate()
    path.chmod(mode)
    with pytest.raises(FailedPrecondition, match=f"mode {mode:04o}.*chmod 600"):
        FileVault(path.as_uri()).keys()
