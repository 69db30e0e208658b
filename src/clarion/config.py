"""Settings: environment variables ``CLARION_*``, or the same names in ``clarion.toml``."""

import ipaddress
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SHORTEST_KEY = 32  # characters of a secret key
FEWEST_CHARACTERS = 8  # different ones
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Settings(BaseSettings):
    """Every setting of an installation. Documented in docs/configuration.md."""

    model_config = SettingsConfigDict(env_prefix="CLARION_", extra="forbid")

    data: Path = Field(
        default=Path("data"), description="Folder of the database, the secret key and uploads"
    )
    database_url: str = Field(default="", description="sqlite:///path or postgresql://…")
    secret_key: str = Field(
        default="", repr=False, description="Signs sessions, encrypts credentials"
    )
    secret_key_fallbacks: list[str] = Field(default=[], repr=False, description="Earlier keys")
    public_url: str = Field(default="", description="Public address of this server")
    allowed_hosts: list[str] = Field(
        default=[], description="Host names under which pages can be opened"
    )
    trusted_proxies: list[str] = Field(
        default=["127.0.0.1", "::1"],
        description="Reverse proxies that are trusted to name the client",
    )
    connections: int = Field(
        default=4096, ge=16, description="Most open connections to the web server"
    )
    hsts_seconds: int = Field(
        default=31_536_000, ge=0, description="How long browsers remember to use HTTPS only"
    )
    connections_per_client: int = Field(
        default=100, ge=4, description="Most open connections of one client, trusted proxies aside"
    )
    upload_megabytes: int = Field(
        default=500, ge=1, description="Largest CSV file that can be uploaded"
    )
    time_zone: str = Field(
        default="UTC", description="Time zone of the command line and new agents"
    )
    language: str = Field(
        default="",
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$",
        description="Language of messages to contacts without one of their own",
    )
    undo_seconds: int = Field(
        default=60, ge=0, description="Undo window of a broadcast that is sent now"
    )
    confirm_recipients: int = Field(
        default=1_000,
        ge=0,
        description="Send asks for confirmation from this many recipients on; 0 is never",
    )
    pause_rejected_percent: int = Field(
        default=20,
        ge=0,
        le=100,
        description="A broadcast pauses when so many percent of its last 200 messages are "
        "rejected; 0 is never",
    )
    pause_unreachable_percent: int = Field(
        default=50,
        ge=0,
        le=100,
        description="A broadcast pauses when so many percent of its last 200 recipients can't be "
        "reached; 0 is never",
    )
    help_text: str = Field(
        default="",
        max_length=4_000,
        description="What contacts are answered who write HELP; empty: nothing",
    )
    help_texts: dict[str, str] = Field(
        default={},
        description="The same by language, as JSON: for contacts of this language",
    )
    late_minutes: int = Field(default=60, ge=1, description="A broadcast later than this is missed")
    external_per_minute: int = Field(
        default=60, ge=1, description="Most calls a minute of one broadcast's URL"
    )
    api_per_minute: int = Field(
        default=3_000, ge=1, description="Most requests a minute of an API token"
    )
    retention_days: int = Field(
        default=90, ge=0, description="Days after which ended broadcasts are deleted; 0 is never"
    )
    lease_seconds: int = Field(
        default=15, ge=3, description="A worker silent for this long has ended"
    )
    concurrency: int = Field(
        default=64, ge=1, description="Most requests at once, per channel and worker"
    )
    proxy: str = Field(default="", description="HTTP CONNECT proxy for outgoing requests")
    metrics_token: str = Field(
        default="", repr=False, description="What monitors send as a bearer token to /metrics"
    )
    metrics_networks: list[str] = Field(
        default=[], description="Addresses and networks that may read /metrics"
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")
    log_format: Literal["console", "json"] = Field(
        default="console", description="console: lines for people; json: an object a line"
    )
    debug: bool = Field(default=False, description="Development only: tracebacks in the browser")

    @field_validator("secret_key")
    @classmethod
    def _strong(cls, value: str) -> str:
        if value and (why := weakness(value)):
            raise ValueError(f"This key can be guessed: {why}. Make one with: openssl rand -hex 48")
        return value

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError(f"{network} is not an IP address or network.") from None
        return value

    @field_validator("help_texts")
    @classmethod
    def _languages(cls, value: dict[str, str]) -> dict[str, str]:
        for language, text in value.items():
            if not LANGUAGE.fullmatch(language):
                raise ValueError(f"“{language}” is not a language code such as de or pt-BR.")
            if not text.strip() or len(text) > 4_000:
                raise ValueError(f"Write 1 to 4,000 characters for “{language}”.")
        return {language.lower(): text for language, text in value.items()}

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("Use debug, info, warning or error.")
        return value.lower()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over clarion.toml."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=Path("clarion.toml"))
        return init_settings, env_settings, toml

    @property
    def database(self) -> str:
        """The database URL, by default an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'clarion.sqlite3'}"


@lru_cache(maxsize=1)
def load() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError for a wrong value."""
    return Settings()


class SecretKeyError(ValueError):
    """The stored secret key can't be used; says what to do."""


def stored_secret(data: Path) -> str:
    """The secret key kept in the data folder, made on first use (readable by its owner only).

    Raises OSError when the data folder can't be written, SecretKeyError for a key that is cut off.
    """
    path = data / "secret.key"
    if not path.exists():
        _make_secret(path)
    key = path.read_text().strip()
    if why := weakness(key):
        raise SecretKeyError(
            f"The secret key in {path} can't be used: {why}. Restore the file from your backup. "
            "If there is none, delete it: a new key is made, and credentials of channels must be "
            "entered again."
        )
    return key


def _make_secret(path: Path) -> None:
    """Write a new key whole or not at all; another process may be first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(os.urandom(48).hex())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def weakness(key: str) -> str:
    """Why a secret key could be guessed, in words that follow “because”; empty for a good one."""
    if not key:
        return "it is empty"
    if len(key) < SHORTEST_KEY:
        return f"its length is {len(key)} and must be at least {SHORTEST_KEY}"
    if len(set(key)) < FEWEST_CHARACTERS:
        return f"it has {len(set(key))} different characters and needs at least {FEWEST_CHARACTERS}"
    return ""
