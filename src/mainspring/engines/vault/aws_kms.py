"""``aws-kms:key``: a symmetric key of AWS KMS, named by its id, its ARN or ``alias/name``.

Region, credentials and endpoint are those of AWS's own tools: ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL_KMS``…
API: https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from mainspring.engines.vault.port import WrappedKey, tampered
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unavailable, Unsupported

CONTEXT = "mainspring"
WAIT_S = 10
CHANGED = {"InvalidCiphertextException", "IncorrectKeyException"}
UNUSABLE = {"NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"}


class AwsKmsVault:
    """A key of KMS. KMS keeps and finds its earlier key material by itself."""

    def __init__(self, url: str) -> None:
        self._key = url.partition(":")[2]
        if not self._key:
            raise InvalidArgument(f"vault_url is '{url}'; it must be aws-kms:key.", field="vault_url")
        self._kms: Any = None

    def keys(self) -> list[str]:
        """Return the ARN of the key."""
        with self._reporting():
            return [str(self._client().describe_key(KeyId=self._key)["KeyMetadata"]["Arn"])]

    def has(self, key_id: str) -> bool:
        """Say whether KMS has this key and it is enabled."""
        with self._reporting():
            try:
                told = self._client().describe_key(KeyId=key_id)
            except ClientError as error:
                if _code(error) == "NotFoundException":
                    return False
                raise
        return bool(told["KeyMetadata"]["KeyState"] == "Enabled")

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the key."""
        with self._reporting():
            told = self._client().encrypt(
                KeyId=self._key, Plaintext=data_key, EncryptionContext={CONTEXT: context.decode()}
            )
        return WrappedKey(told["KeyId"], told["CiphertextBlob"])

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return the data key."""
        with self._reporting():
            try:
                told = self._client().decrypt(
                    KeyId=wrapped.key_id,
                    CiphertextBlob=wrapped.data,
                    EncryptionContext={CONTEXT: context.decode()},
                )
            except ClientError as error:
                if _code(error) in CHANGED:
                    raise tampered(wrapped.key_id) from error
                raise
        return bytes(told["Plaintext"])

    def rotate(self) -> str:
        """Refuse: KMS changes the material of a key by itself."""
        raise Unsupported(
            "KMS rotates the material of its keys itself. For another key set vault_url to it, start the server again, "
            "and run `mainspring keys rewrap`."
        )

    def _client(self) -> Any:
        if self._kms is None:
            config = Config(connect_timeout=WAIT_S, read_timeout=WAIT_S, retries={"total_max_attempts": 3})
            self._kms = get_session().create_client("kms", config=config)
        return self._kms

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise our errors for AWS's."""
        try:
            yield
        except ClientError as error:
            code = _code(error)
            if code in UNUSABLE:
                raise FailedPrecondition(f"KMS does not take the key '{self._key}': {code}.") from error
            raise Unavailable(f"KMS refused the key '{self._key}': {code}.", retry_after=5) from error
        except BotoCoreError as error:
            raise Unavailable(f"KMS cannot be asked: {type(error).__name__}.", retry_after=5) from error


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
