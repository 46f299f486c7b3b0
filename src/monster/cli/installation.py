"""One installation: its folder, its keys, its databases, and what each service is told of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from monster.cli import keys, keys_settings
from monster.cli.settings import Platform, SettingsWrong
from monster.dashboard import database as dashboard_database
from monster.dashboard.settings import Settings as DashboardSettings
from monster.engine import database as engine_database
from monster.engine.settings import Settings as EngineSettings
from monster.kit import crypto, embedded

_MASTER, _ACCOUNT, _SIGNING = "master.key", "account.key", "signing.pem"

DATABASES = {
    dashboard_database.NAME: dashboard_database.MIGRATIONS,
    engine_database.NAME: engine_database.MIGRATIONS,
}
ROLES = {
    dashboard_database.NAME: dashboard_database.ROLE,
    engine_database.NAME: engine_database.ROLE,
}


@dataclass(frozen=True)
class Installation:
    settings: Platform

    @cached_property
    def folder(self) -> Path:
        return self.settings.data_dir.expanduser().resolve()

    @cached_property
    def server_folder(self) -> Path | None:
        """Of the embedded server; None if the database is somewhere else."""
        return None if self.settings.database_url else embedded.place(self.folder)

    def owner_url(self, database: str) -> str:
        """As the role that migrates. Raises SettingsWrong."""
        if self.server_folder:
            return embedded.url_at(self.server_folder, database)
        return self._own_url(database)

    def app_url(self, database: str) -> SecretStr:
        """As the role that serves, which row-level security binds. Raises SettingsWrong."""
        if self.server_folder:
            return SecretStr(embedded.url_at(self.server_folder, database, ROLES[database]))
        password = self.settings.database_app_password
        assert password is not None  # the settings see to it
        return SecretStr(self._own_url(database, ROLES[database], password.get_secret_value()))

    def _own_url(self, database: str, role: str = "", password: str = "") -> str:
        assert self.settings.database_url is not None
        try:
            url = make_url(self.settings.database_url.get_secret_value())
        except ArgumentError as error:
            raise SettingsWrong("MONSTER_DATABASE_URL is not a URL.") from error
        if url.get_backend_name() != "postgresql":
            raise SettingsWrong("MONSTER_DATABASE_URL must begin with postgresql://.")
        url = url.set(drivername="postgresql+psycopg", database=database)
        if role:
            url = url.set(username=role, password=password)
        return url.render_as_string(hide_password=False)

    @cached_property
    def engine_port(self) -> int:
        return self.settings.engine_port or self.settings.port + 1

    @cached_property
    def engine_url(self) -> str:
        return self.settings.engine_url or f"http://127.0.0.1:{self.engine_port}"

    @property
    def address(self) -> str:
        """For people's browsers."""
        host = self.settings.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 (read, not bound)
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.settings.port}"

    def check(self) -> None:
        """What can be said before anything is started or written. Raises SettingsWrong."""
        _refuse_unusable(self.folder)
        if self.settings.database_url:
            self._own_url("postgres")
        if self.settings.master_key or self._key_file(_MASTER).exists():
            _ = self.master_key
        if self.settings.account_key or self._key_file(_ACCOUNT).exists():
            _ = self.account_key
        if self.settings.signing_key or self._key_file(_SIGNING).exists():
            _ = self.signing_key
        if self.settings.dashboard_public_key:
            _ = self.public_key
        if self.settings.smtp_url:
            from monster.kit.smtp import (  # noqa: PLC0415 (where no mail is sent, 7 MB less)
                BadSmtpUrl,
                SmtpServer,
            )

            try:
                SmtpServer(self.settings.smtp_url.get_secret_value(), self.settings.mail_from)
            except BadSmtpUrl as error:
                raise SettingsWrong(f"MONSTER_SMTP_URL is wrong: {error}.") from error

    @cached_property
    def signing_key(self) -> str:
        """PEM. Made at the first start, unless it is set. Raises SettingsWrong."""
        given = self.settings.signing_key
        pem = given.get_secret_value() if given else self._key(_SIGNING, keys.new_signing_key)
        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: locked with a password
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            name = "MONSTER_SIGNING_KEY" if given else self._key_file(_SIGNING)
            raise SettingsWrong(f"{name} is not an Ed25519 private key in PEM.")
        return pem

    @cached_property
    def public_key(self) -> str:
        """PEM. Raises SettingsWrong."""
        given = self.settings.dashboard_public_key
        if given is None:
            return keys.public_half(self.signing_key)
        try:
            key = serialization.load_pem_public_key(given.encode())
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise SettingsWrong("MONSTER_DASHBOARD_PUBLIC_KEY is not an Ed25519 public key in PEM.")
        return given

    @cached_property
    def master_key(self) -> SecretStr:
        """One or more. Made at the first start, unless it is set. Raises SettingsWrong."""
        return self._sealing_key(self.settings.master_key, "MONSTER_MASTER_KEY", _MASTER)

    @property
    def master_key_file(self) -> Path:
        """Whether it is there or not."""
        return self._key_file(_MASTER)

    @cached_property
    def account_key(self) -> SecretStr:
        """Made at the first start, unless it is set. Raises SettingsWrong."""
        return self._sealing_key(self.settings.account_key, "MONSTER_ACCOUNT_KEY", _ACCOUNT)

    def _sealing_key(self, given: SecretStr | None, setting: str, file: str) -> SecretStr:
        text = given.get_secret_value() if given else self._key(file, crypto.new_master_key)
        try:
            crypto.parse_master_keys(text) if file == _MASTER else crypto.MasterKey.parse(text)
        except crypto.BadMasterKey as error:
            name = setting if given else self._key_file(file)
            raise SettingsWrong(f"{name} is wrong: {error}.") from error
        return SecretStr(text)

    @property
    def _dev_mail(self) -> bool:
        """Whoever reads it can enter any account: never by default where others can reach it."""
        if self.settings.smtp_url:
            return False
        if self.settings.dev_mail is None:
            return self.settings.host in {"127.0.0.1", "::1", "localhost"}
        return self.settings.dev_mail

    def dashboard(self) -> DashboardSettings:
        return DashboardSettings(
            database_url=self.app_url(dashboard_database.NAME),
            database_pool_size=self.settings.database_pool_size,
            upload_limit=self.settings.upload_limit,
            session_idle_hours=self.settings.session_idle_hours,
            session_lifetime_days=self.settings.session_lifetime_days,
            engine_url=self.engine_url,
            signing_key=SecretStr(self.signing_key),
            account_key=self.account_key,
            public_url=self.settings.public_url or self.address,
            registration=self.settings.registration,
            smtp_url=self.settings.smtp_url,
            mail_from=self.settings.mail_from,
            dev_mail=self._dev_mail,
            outbound_allow=self.settings.outbound_allow,
            trusted_proxies=self.settings.trusted_proxies,
        )

    def engine(self) -> EngineSettings:
        mirror = self.settings.embedding_hub_url
        settings = EngineSettings(
            database_url=self.app_url(engine_database.NAME),
            database_pool_size=self.settings.database_pool_size,
            dashboard_public_key=self.public_key,
            **keys_settings.of_engine(self.settings, self.master_key_file, self._made_master_key),
            outbound_allow=self.settings.outbound_allow,
            trusted_proxies=self.settings.trusted_proxies,
            mcp_sessions=self.settings.mcp_sessions,
            mcp_idle_seconds=self.settings.mcp_idle_seconds,
            lease_seconds=self.settings.lease_seconds,
            data_dir=self.folder,
            upload_limit=self.settings.upload_limit,
            public_url=self.settings.public_url or self.address,
            oauth_apps=self.settings.oauth_apps,
            system_urls={
                name: str(url).rstrip("/") for name, url in self.settings.system_urls.items()
            },
        )
        return settings.model_copy(update={"embedding_hub_url": mirror}) if mirror else settings

    def _made_master_key(self) -> None:
        """The file, whatever else is set. Raises SettingsWrong."""
        self._sealing_key(None, "", _MASTER)

    def _key(self, name: str, make: Callable[[], str]) -> str:
        """What the key file says; it is made if it is not there. Raises SettingsWrong."""
        return keys.read_or_make(self._key_file(name), make)

    def _key_file(self, name: str) -> Path:
        return self.folder / "keys" / name


def _refuse_unusable(folder: Path) -> None:
    """It, or where it will be made, must be a folder we may write to."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        usable = there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK)
    except PermissionError:
        usable = False
    if not usable:
        raise SettingsWrong(f"MONSTER_DATA_DIR is wrong: {folder} is no folder that we may use.")
