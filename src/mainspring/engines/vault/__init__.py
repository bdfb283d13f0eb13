"""Vaults: the port in ``port.py``, and which back-end serves which URL."""

from functools import cache
from importlib import import_module

from mainspring.engines.vault.port import KEY_BYTES, LostKey, Vault, WrappedKey
from mainspring.kit.errors import InvalidArgument

__all__ = ["BACKENDS", "KEY_BYTES", "LostKey", "Vault", "WrappedKey", "check_vault_url", "open_vault"]

BACKENDS = {
    "file": "mainspring.engines.vault.file:FileVault",
    "env": "mainspring.engines.vault.environment:EnvironmentVault",
    "hashicorp": "mainspring.engines.vault.hashicorp:HashicorpVault",
    "aws-kms": "mainspring.engines.vault.aws_kms:AwsKmsVault",
}
"""URL scheme → "module:Class" of the vault, whose constructor takes the URL."""


def check_vault_url(url: str) -> str:
    """Return the scheme of a vault's URL. Raises InvalidArgument for one that no back-end takes."""
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in BACKENDS:
        raise InvalidArgument(
            f"vault_url is '{url}'; it must be file:///path/of/keys, env:NAME, hashicorp:mount/key or aws-kms:key.",
            field="vault_url",
        )
    return scheme


@cache
def open_vault(url: str) -> Vault:
    """Return this process's vault at ``url``; no network and no file is touched before the first call.

    Credentials and addresses come from the usual environment variables (``VAULT_*``, ``AWS_*``). Raises
    InvalidArgument for a URL that no back-end takes, Unsupported where its library is not installed.
    """
    module, _, name = BACKENDS[check_vault_url(url)].partition(":")
    vault: Vault = getattr(import_module(module), name)(url)
    return vault
