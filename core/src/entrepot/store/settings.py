"""The settings of one hub: environment over file over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

ENVIRONMENTS = ("production", "development", "test", "demo")
DATABASES = ("sqlite", "postgresql")


class SettingsInvalid(ValueError):
    """A setting is missing or wrong; the text names it and the remedy."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"ENTREPOT_{name.upper()}: {problem} {remedy}")
        self.name = name
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can decide.

    Every field is read from ``ENTREPOT_<FIELD>`` or from the same key of the TOML
    file; lists in the environment are separated by commas.

    Attributes:
        data_dir: Folder of the SQLite file, the key file and exports.
        database_url: ``sqlite:///path`` or ``postgresql://user:password@host/name``;
            empty means a SQLite file in `data_dir`.
        keys: ``purpose:id:base64`` entries, newest first; see `entrepot.store.keys`.
        keys_file: File with one such entry a line.
        environment: ``production`` (default), ``development``, ``test`` or ``demo``.
        public_base_url: Where vendors, PSA systems and browsers reach this hub.
        trusted_proxies: Addresses or networks whose forwarding headers are believed.
        allow_private_targets: Whether vendors and webhooks may live on private or
            loopback addresses (the demo's simulators do).
        bind_host: Address the web server listens on.
        bind_port: Port the web server listens on.
        web_processes: Web processes of one supervisor; 0 means one per core.
        worker_processes: Worker processes on PostgreSQL; SQLite always has one.
        plugins: Names of the plugins to load; empty means all installed.
        mail_host: SMTP server; without it and without `mail_folder` nothing is sent,
            and whoever forgot a password asks the operator.
        mail_folder: Folder into which mails are written instead of being sent.
        mail_port: Its port.
        mail_from: Sender of all mails.
        mail_user: Login at the server, or empty.
        mail_password: Password at the server, or empty.
        mail_tls: Whether to demand STARTTLS.
        oidc_issuer: Address of the company's identity provider (OpenID Connect); empty
            means that people sign in here only.
        oidc_client_id: This hub's name at the provider. It must allow the redirect
            to ``/login/company/back`` below `public_base_url`.
        oidc_client_secret: This hub's secret at the provider, or empty.
        oidc_domains: Domains of addresses that may sign in so; empty means all.
        oidc_name: What the button says.
        log_level: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``.
        log_json: Whether log lines are JSON.
        database_pool: Connections one process keeps on PostgreSQL.
        charge_months: Months whose usage and charges are read daily: the open one and
            those before it that vendors still restate.
    """

    data_dir: Path = Path(".entrepot")
    database_url: str = field(default="", repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)
    keys_file: Path | None = None
    environment: str = "production"
    public_base_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    allow_private_targets: bool = False
    bind_host: str = "127.0.0.1"
    bind_port: int = 8000
    web_processes: int = 0
    worker_processes: int = 1
    plugins: tuple[str, ...] = ()
    mail_host: str = ""
    mail_folder: Path | None = None
    mail_port: int = 587
    mail_from: str = ""
    mail_user: str = ""
    mail_password: str = field(default="", repr=False)
    mail_tls: bool = True
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_domains: tuple[str, ...] = ()
    oidc_name: str = "Company sign-in"
    log_level: str = "INFO"
    log_json: bool = False
    database_pool: int = 10
    charge_months: int = 3

    def __post_init__(self) -> None:
        """Complete the database address and refuse what can't work."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'entrepot.db'}"
        for short in ("postgres://", "postgresql://"):
            if url.startswith(short):
                url = "postgresql+psycopg://" + url.removeprefix(short)
        object.__setattr__(self, "database_url", url)
        if self.database_kind not in DATABASES:
            raise SettingsInvalid(
                "database_url",
                f"{self.database_kind!r} isn't a supported database.",
                "Use sqlite:///<path> or postgresql://<user>@<host>/<name>.",
            )
        if self.database_kind == "sqlite" and not url.startswith("sqlite:///"):
            raise SettingsInvalid(
                "database_url",
                "SQLite needs a file: several processes share it.",
                "Use sqlite:///<path>.",
            )
        if self.environment not in ENVIRONMENTS:
            raise SettingsInvalid(
                "environment",
                f"{self.environment!r} is unknown.",
                f"Use one of {', '.join(ENVIRONMENTS)}.",
            )
        if self.charge_months < 1:
            raise SettingsInvalid(
                "charge_months",
                f"{self.charge_months} months can't be read.",
                "Use 1 for the open month alone, or more.",
            )
        if self.public_base_url and not self.public_base_url.startswith("http"):
            raise SettingsInvalid(
                "public_base_url",
                f"{self.public_base_url!r} isn't an address.",
                "Write it in full, such as https://hub.example.com.",
            )

    @property
    def database_kind(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.database_url.partition(":")[0].partition("+")[0]

    @property
    def production(self) -> bool:
        """Return whether the strict rules of production hold."""
        return self.environment == "production"

    @property
    def sqlite_path(self) -> Path | None:
        """Return the SQLite file, or None on PostgreSQL."""
        if self.database_kind != "sqlite":
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))


def load_settings(
    environ: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """Return the settings of this process.

    Args:
        environ: The environment; the process's own when None.
        file: A TOML file; ``ENTREPOT_CONFIG`` when None, and none when that is unset.

    Raises:
        SettingsInvalid: A value can't be read, or a key is unknown.
    """
    variables = os.environ if environ is None else environ
    named = variables.get("ENTREPOT_CONFIG")
    path = file or (Path(named) if named else None)
    values = _from_file(path) if path else {}
    hints = get_type_hints(Settings)
    for known in fields(Settings):
        text = variables.get(f"ENTREPOT_{known.name.upper()}")
        if text is not None:
            values[known.name] = text
    return Settings(
        **{name: _convert(name, hints[name], raw) for name, raw in values.items()}
    )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(
            "config",
            f"{path} can't be read: {error}.",
            "Point it to a readable TOML file or unset it.",
        ) from error
    unknown = sorted(set(values) - {known.name for known in fields(Settings)})
    if unknown:
        raise SettingsInvalid(
            unknown[0], f"{path} holds an unknown key.", "Remove or correct it."
        )
    return values


def _convert(name: str, hint: Any, raw: Any) -> Any:  # noqa: ANN401 - any setting
    """Return ``raw`` as the field's type.

    Raises:
        SettingsInvalid: It can't be read as that type.
    """
    if isinstance(hint, UnionType):
        hint = get_args(hint)[0]
    if hint is bool:
        return _boolean(name, raw)
    if hint is int:
        return _number(name, raw)
    if hint is Path:
        return Path(str(raw)).expanduser()
    if hint is str:
        return str(raw)
    parts = raw.split(",") if isinstance(raw, str) else list(raw)
    return tuple(part.strip() for part in map(str, parts) if part.strip())


def _boolean(name: str, raw: object) -> bool:
    known = {"true": True, "yes": True, "1": True, "on": True}
    known |= {"false": False, "no": False, "0": False, "off": False, "": False}
    value = known.get(str(raw).strip().lower())
    if value is None:
        raise SettingsInvalid(name, f"{raw!r} isn't yes or no.", "Write true or false.")
    return value


def _number(name: str, raw: object) -> int:
    try:
        return int(str(raw))
    except ValueError as error:
        raise SettingsInvalid(
            name, f"{raw!r} isn't a whole number.", "Write digits only."
        ) from error
