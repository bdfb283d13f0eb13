"""The one configuration tree: flag > ``MAINSPRING_*`` > ``mainspring.toml`` > default.

Each setting is a field of ``Settings``; its name with dashes is the flag of ``mainspring up``, in
capitals behind ``MAINSPRING_`` the environment variable, and as it is the key in the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.networks import Networks, is_confidential, is_loopback, parse_networks
from mainspring.kit.rates import parse_rates

PREFIX = "MAINSPRING_"
FILE = "mainspring.toml"


def _setting(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


def _secret(doc: str) -> Any:
    return field(default="", repr=False, metadata={"doc": doc, "secret": True})


@dataclass(frozen=True)
class Settings:
    """Every setting of the platform, checked."""

    data: Path = _setting(Path("mainspring-data"), "Folder of the embedded database and artifact store.")
    database_url: str = _setting(
        "",
        "Where metadata is kept: sqlite:///file or postgresql://user@host/database. Empty: SQLite in the data folder.",
    )
    artifacts_url: str = _setting(
        "", "Where artifacts are kept: file:///folder, s3://bucket/prefix, gs://… or az://…. Empty: the data folder."
    )
    vault_url: str = _setting(
        "",
        "Where the keys are kept that secrets are encrypted by: file:///path/of/keys, env:NAME, hashicorp:mount/key or "
        "aws-kms:key. Empty: a file in the data folder.",
    )
    direct_transfers: bool = _setting(
        True,
        "Whether clients send and fetch large files at the object store itself, by signed URLs, where it signs them; "
        "without, all goes through this server.",
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    allowed_hosts: str = _setting(
        "",
        "Names that the server answers for, with commas between; * is any. Empty: on a loopback address only loopback "
        "names, else any.",
    )
    auth: str = _setting(
        "",
        "Who may come in: off (everyone, as the owner), local (accounts kept here) or oidc (accounts of an identity "
        "provider too). Empty: off on a loopback address; elsewhere one must be chosen.",
    )
    public_read: bool = _setting(False, "Whether people without an account may read public projects.")
    session_days: int = _setting(14, "Days after which a browser that was not used must sign in again.")
    api_key_days: int = _setting(365, "Days that an API key may last at most.")
    trusted_proxies: str = _setting(
        "127.0.0.1, ::1",
        "Addresses and networks of reverse proxies, with commas between: what they say of a client's address and "
        "scheme is believed.",
    )
    rate_limits: str = _setting(
        "",
        "How many requests may come, such as user=600/minute; key=300/minute; project=6000/minute; address=60/minute. "
        "Empty: any number.",
    )
    rate_limit_storage: str = _setting(
        "", "Where requests are counted: redis://host for all processes together. Empty: each process by itself."
    )
    port: int = _setting(5000, "Port to listen on; 0 takes a free one.")
    workers: int = _setting(1, "Server processes. More than one needs PostgreSQL.")
    background: bool = _setting(
        True, "Whether this server also runs the background tasks; of all processes on a database one does at a time."
    )
    upload_days: int = _setting(7, "Days after which an upload that was begun and never completed is dropped.")
    audit_days: int = _setting(0, "Days after which acts are cut off the audit log; 0 keeps them for ever.")
    webhook_attempts: int = _setting(10, "How often a webhook is sent something that it does not take.")
    webhook_private_addresses: bool = _setting(
        False, "Whether webhooks may go to addresses of this machine and of private networks."
    )
    oidc_issuer: str = _setting(
        "", "OpenID Connect provider that users sign in by: its issuer, just as it calls itself. Empty: none."
    )
    oidc_client_id: str = _setting("", "Name of this server at that provider.")
    oidc_client_secret: str = _secret("Secret of this server at that provider; empty for a public client.")
    oidc_scopes: str = _setting("openid profile email", "What that provider is asked for, with spaces between.")
    oidc_groups_claim: str = _setting(
        "groups", "Where a user's groups stand in that provider's claims, with dots between nested names."
    )
    oidc_admin_group: str = _setting(
        "", "Group of that provider whose members administer this server. Empty: the provider does not decide that."
    )
    gitlab_url: str = _setting("", "GitLab whose projects fill the catalog: its address. Empty: none.")
    gitlab_token: str = _secret(
        "Token by which that GitLab is read for everyone: what it sees of public projects, all may see. Empty: what "
        "GitLab shows without one."
    )
    gitlab_client_id: str = _setting(
        "", "Id of this server's application in that GitLab: with it users sign in by GitLab, or send its tokens."
    )
    gitlab_client_secret: str = _secret("Secret of that application; empty for one that is not confidential.")
    gitlab_access_ttl: int = _setting(
        60, "Seconds that what GitLab said of a user's access is believed; 0 asks it at each request."
    )
    gitlab_webhook_secret: str = _secret(
        "Secret token of GitLab's webhooks, by which projects are read again at once. Empty: webhooks are refused."
    )
    sources: str = _setting(
        "",
        "Further places whose projects fill the catalog, with commas between: git:/folder/of/repositories, gitea:URL.",
    )
    sources_every: int = _setting(60, "Seconds after which those places are asked for what has changed.")
    categories: str = _setting(
        "",
        "Categories of the catalog beside AI models, datasets and processors: id=Title=topic,topic; with semicolons "
        "between.",
    )
    log_format: str = _setting("auto", "json, pretty, or auto: pretty on a terminal.")
    log_level: str = _setting("info", "debug, info, warning or error.")
    read_timeout: int = _setting(60, "Seconds that a client may be silent in the middle of a request.")
    shutdown_grace: int = _setting(30, "Seconds that requests in progress are given when the server stops.")

    def __post_init__(self) -> None:
        _check(0 <= self.port <= 65535, "port", self.port, "a port from 0 to 65535")
        _check(1 <= self.workers <= 64, "workers", self.workers, "a number from 1 to 64")
        _check(self.auth in ("", "off", "local", "oidc"), "auth", self.auth, "off, local or oidc")
        _check(
            bool(self.auth) or is_loopback(self.host),
            "auth",
            self.auth,
            f"chosen, since {self.host} can be reached by others: local (accounts), oidc (an identity provider), or "
            "off, which lets everyone in who reaches it",
        )
        _check(1 <= self.session_days <= 90, "session_days", self.session_days, "days from 1 to 90")
        _check(1 <= self.api_key_days <= 36500, "api_key_days", self.api_key_days, "days from 1 to 36500")
        _check(1 <= self.upload_days <= 3650, "upload_days", self.upload_days, "days from 1 to 3650")
        _check(0 <= self.audit_days <= 36500, "audit_days", self.audit_days, "days from 1 to 36500, or 0")
        _check(1 <= self.webhook_attempts <= 100, "webhook_attempts", self.webhook_attempts, "a number from 1 to 100")
        _check(self.log_format in ("auto", "json", "pretty"), "log_format", self.log_format, "auto, json or pretty")
        levels = ("debug", "info", "warning", "error")
        _check(self.log_level in levels, "log_level", self.log_level, ", ".join(levels))
        _check(1 <= self.read_timeout <= 3600, "read_timeout", self.read_timeout, "seconds from 1 to 3600")
        _check(1 <= self.shutdown_grace <= 3600, "shutdown_grace", self.shutdown_grace, "seconds from 1 to 3600")
        parse_networks(self.trusted_proxies, "trusted_proxies")
        parse_rates(self.rate_limits)
        counted_in = self.rate_limit_storage
        redis = re.fullmatch(r"(rediss?://.+)?", counted_in)
        _check(redis is not None, "rate_limit_storage", mask(counted_in), "redis://host:port/number, or empty")
        self._check_providers()
        embedded = self.resolved_database_url.startswith("sqlite:")
        _check(
            self.workers == 1 or not embedded,
            "workers",
            self.workers,
            "1 on SQLite, which has one writer; set database_url to a PostgreSQL database to run more",
        )

    def _check_providers(self) -> None:
        named = bool(self.oidc_issuer or self.gitlab_client_id)
        right = "oidc where oidc_issuer or gitlab_client_id is set, and only there"
        _check(named == (self.auth == "oidc"), "auth", self.auth, right)
        for setting, url, client, client_id in (
            ("oidc_issuer", self.oidc_issuer, "oidc_client_id", self.oidc_client_id),
            ("gitlab_url", self.gitlab_url, "gitlab_client_id", self.gitlab_client_id),
        ):
            _check(not url or is_confidential(url), setting, mask(url), "an https:// URL")
            _check(bool(url) or not client_id, client, client_id, f"set only where {setting} is")
        without = "set where oidc_issuer is, and only there"
        _check(bool(self.oidc_issuer) == bool(self.oidc_client_id), "oidc_client_id", self.oidc_client_id, without)
        _check(0 <= self.gitlab_access_ttl <= 3600, "gitlab_access_ttl", self.gitlab_access_ttl, "seconds, 0 to 3600")
        _check(1 <= self.sources_every <= 86400, "sources_every", self.sources_every, "seconds from 1 to 86400")

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of ``allowed_hosts``."""
        return tuple(name.strip() for name in self.allowed_hosts.split(",") if name.strip())

    @property
    def proxy_networks(self) -> Networks:
        """The networks of ``trusted_proxies``."""
        return parse_networks(self.trusted_proxies, "trusted_proxies")

    @property
    def resolved_auth(self) -> str:
        """Who may come in, off, local or oidc, with the default filled in."""
        return self.auth or "off"

    @property
    def resolved_database_url(self) -> str:
        """The database URL with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'mainspring.db'}"

    @property
    def resolved_artifacts_url(self) -> str:
        """The artifact store's URL with the embedded default filled in."""
        return self.artifacts_url or (self.data.absolute() / "artifacts").as_uri()

    @property
    def resolved_vault_url(self) -> str:
        """The vault's URL with the embedded default filled in."""
        return self.vault_url or (self.data.absolute() / "secret-keys").as_uri()


def _check(good: bool, name: str, value: object, right: str) -> None:
    if not good:
        raise InvalidArgument(f"The setting {name} is '{value}'; it must be {right}.", field=name)


class Origin(NamedTuple):
    """One setting as it was found: its value (secrets masked) and where it comes from."""

    name: str
    value: str
    source: str
    doc: str


def load_settings(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None, folder: Path = Path(".")
) -> tuple[Settings, list[Origin]]:
    """Return the settings and where each comes from.

    ``flags`` are values given on the command line, None meaning not given; ``folder`` is where
    ``mainspring.toml`` is looked for. Raises InvalidArgument.
    """
    environment = os.environ if environment is None else environment
    in_file = _read_file(folder / FILE)
    known = {setting.name for setting in fields(Settings)}
    _refuse_unknown(in_file.keys() - known, FILE, known)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in fields(Settings):
        variable = PREFIX + setting.name.upper()
        candidates = (
            ((flags or {}).get(setting.name), f"flag --{setting.name.replace('_', '-')}"),
            (environment.get(variable), f"environment {variable}"),
            (in_file.get(setting.name), f"file {folder / FILE}"),
        )
        found = next(((value, source) for value, source in candidates if value is not None), None)
        if found:
            values[setting.name] = _convert(setting.name, type(setting.default), *found)
        sources[setting.name] = found[1] if found else "default"
    settings = Settings(**values)
    return settings, [
        Origin(each.name, _shown(settings, each), sources[each.name], each.metadata["doc"]) for each in fields(Settings)
    ]


def _shown(settings: Settings, setting: Field[Any]) -> str:
    value = _resolved(settings, setting.name)
    return "***" if value and setting.metadata.get("secret") else mask(value)


def _resolved(settings: Settings, name: str) -> str:
    return str(getattr(settings, f"resolved_{name}", getattr(settings, name)))


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidArgument(f"{path} cannot be read: {error}.") from error


def _refuse_unknown(names: set[str], where: str, known: set[str]) -> None:
    if names:
        raise InvalidArgument(
            f"{where} has unknown settings: {', '.join(sorted(names))}. Known are {', '.join(sorted(known))}."
        )


def _convert(name: str, kind: type, value: Any, source: str) -> Any:
    if kind is int:
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
            raise InvalidArgument(f"The setting {name} ({source}) is '{value}'; it must be a whole number.", field=name)
        return int(value)
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise InvalidArgument(f"The setting {name} ({source}) is '{value}'; it must be true or false.", field=name)
        return str(value).lower() == "true"
    if not isinstance(value, str | Path):
        raise InvalidArgument(f"The setting {name} ({source}) is '{value}'; it must be text.", field=name)
    return Path(value) if kind is not str else str(value)


def mask(value: str) -> str:
    """Return a value that may be shown: the password in a URL, and every query value of one, as ``***``.

    A password may hold any character, ``/``, ``?`` and ``@`` too: the databases' drivers read it up to the last ``@``.
    """
    if "://" not in value:
        return value
    shown = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", value, count=1, flags=re.DOTALL)
    address, mark, query = shown.partition("?")
    return address + mark + re.sub(r"=[^&]*", "=***", query)
