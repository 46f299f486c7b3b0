"""What people set: `MONSTER_*` variables, or the same names in small letters in `monster.toml`."""

import difflib
import json
import os
import tomllib
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from monster.cli.settings_keys import PREFIX, MasterKeys
from monster.contracts.oauth import PlatformApp

FILE = Path("monster.toml")


class SettingsWrong(Exception):
    """The start must stop: a sentence that names the setting and says what is wrong with it."""


class Platform(MasterKeys):
    """Everything that can be set. Frozen; made once by `load`, then passed down."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", toml_file=FILE, env_ignore_empty=True
    )

    data_dir: Path = Field(
        default=Path(".monster"), description="Where keys, models and the embedded database live."
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address the dashboard listens on."
    )
    port: int = Field(default=8700, ge=1, le=65535, description="Port of the dashboard.")
    engine_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address the engine's API listens on."
    )
    engine_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of the engine's API; else the next one."
    )
    engine_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="Where the dashboard finds an engine that runs elsewhere.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="URL of your own PostgreSQL server, as a role that may create databases and "
        "roles; without it, one is embedded in the data directory.",
    )
    database_app_password: SecretStr | None = Field(
        default=None,
        description="Password of the two application roles on your own server.",
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=1000, description="Database connections that each process keeps open."
    )
    admin_email: str = Field(
        default="admin@acme.example",
        pattern=r"^[^@\s]+@[^@\s]+$",
        max_length=254,
        description="E-mail of the first person, who owns the first tenant.",
    )
    admin_password: SecretStr | None = Field(
        default=None,
        min_length=8,
        description="Password of that person; without it, one is made up and shown once.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+$",
        description="Where people reach the dashboard, such as `https://monster.example`; links in "
        "mails begin with it.",
    )
    registration: bool = Field(
        default=True,
        description="Whether anybody may register, which makes a workspace; `false`: only people "
        "who are invited come in.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="How mail is sent: `smtp://user:password@host:587` (STARTTLS if offered) or "
        "`smtps://…`; without it, mails are printed and shown at `/dev/mail`.",
    )
    mail_from: str = Field(
        default="Monster <monster@localhost>",
        min_length=3,
        max_length=320,
        description="From whom mails come.",
    )
    dev_mail: bool | None = Field(
        default=None,
        description="Whether `/dev/mail` shows mails that were not sent; by default only while "
        "the dashboard listens on a loopback address and no SMTP server is set.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Proxies in front of Monster, such as `10.0.0.5/32`, whose `X-Forwarded-For` "
        "and `X-Forwarded-Proto` are believed; several are separated by commas.",
    )
    session_idle_hours: int = Field(
        default=24, ge=1, le=8760, description="Hours without a request that end a session."
    )
    session_lifetime_days: int = Field(
        default=30, ge=1, le=365, description="Days after which one must sign in again in any case."
    )
    account_key: SecretStr | None = Field(
        default=None,
        description="32 bytes in base64 that protect what accounts keep secret (second factors, "
        "single sign-on); without it, a key file is made.",
    )
    signing_key: SecretStr | None = Field(
        default=None,
        description="Ed25519 private key (PEM) of the dashboard; without it, a key file is made.",
    )
    dashboard_public_key: str | None = Field(
        default=None,
        description="Its public half (PEM), for an engine that runs elsewhere.",
    )
    lease_seconds: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="How long a run may be silent before another process takes it over.",
    )
    mcp_sessions: int = Field(
        default=40,
        ge=4,
        le=1000,
        description="MCP servers that one process is connected to at a time; one workspace has a"
        " quarter of them at most.",
    )
    mcp_idle_seconds: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="How long a connection to an MCP server waits for a call.",
    )
    outbound_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Private networks that agents may reach all the same, such as "
        "`127.0.0.1/32`; several are separated by commas.",
    )
    oauth_apps: Annotated[dict[str, PlatformApp], NoDecode] = Field(
        default_factory=dict,
        description="Registrations with OAuth providers that all workspaces may use, as JSON: "
        '`{"google": {"client_id": "…", "client_secret": "…"}}`.',
    )
    system_urls: Annotated[dict[str, HttpUrl], NoDecode] = Field(
        default_factory=dict,
        description="Where systems answer that are not at their public address, such as a gateway, "
        'as JSON: `{"slack": "https://gateway.example/slack"}`.',
    )
    upload_limit: int = Field(
        default=25 << 20, ge=1024, le=1 << 30, description="Bytes that one uploaded file may have."
    )
    embedding_hub_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="A mirror to fetch the embedding model from if its package is not installed.",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto`: text in a terminal, JSON lines elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important lines that are logged."
    )

    @field_validator("outbound_allow", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("oauth_apps", "system_urls", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("it is not JSON") from None  # what it holds is secret

    @model_validator(mode="after")
    def _own_server_needs_passwords(self) -> Self:
        if self.database_url and not self.database_app_password:
            raise ValueError("database_url: set database_app_password, too")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load() -> Platform:
    """The settings of this process. Raises SettingsWrong."""
    known = {PREFIX + name.upper() for name in Platform.model_fields}
    for name in os.environ:  # noqa: TID251 (this is the one place)
        if name.startswith(PREFIX) and name not in known:
            raise SettingsWrong(_unknown(name, known))
    try:
        return Platform()
    except ValidationError as error:
        raise SettingsWrong(_sentence(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsWrong(f"{FILE} is not TOML: {error}.") from error


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"There is no setting {name}." + (f" Did you mean {near[0]}?" if near else "")


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"{FILE}: " + _unknown(name, Platform.model_fields)
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        name, _, message = message.partition(": ")
    inside = "".join(f"{part}: " for part in first["loc"][1:] if isinstance(part, str))
    return (
        f"{PREFIX}{name.upper()} is wrong: {inside}{message[:1].lower()}{message[1:].rstrip('.')}."
    )
