"""One installation: its folder, its keys, its databases, and what each service is told of them."""

import base64
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from monster.cli.settings import Platform, SettingsWrong
from monster.dashboard import database as dashboard_database
from monster.dashboard.settings import Settings as DashboardSettings
from monster.engine import database as engine_database
from monster.engine.settings import Settings as EngineSettings
from monster.kit import embedded

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

    @cached_property
    def signing_key(self) -> str:
        """PEM. Made at the first start, unless it is set."""
        if self.settings.signing_key:
            return self.settings.signing_key.get_secret_value()
        return self._key("signing.pem", _new_signing_key)

    @cached_property
    def public_key(self) -> str:
        if self.settings.dashboard_public_key:
            return self.settings.dashboard_public_key
        try:
            key = serialization.load_pem_private_key(self.signing_key.encode(), password=None)
        except ValueError as error:
            raise SettingsWrong("MONSTER_SIGNING_KEY is not a private key in PEM.") from error
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public.decode()

    @cached_property
    def master_key(self) -> SecretStr:
        """32 bytes in base64. Made at the first start, unless it is set. Raises SettingsWrong."""
        if self.settings.master_key is None:
            return SecretStr(self._key("master.key", _new_master_key))
        text = self.settings.master_key.get_secret_value()
        try:
            size = len(base64.b64decode(text, validate=True))
        except ValueError:
            size = 0
        if size != 32:
            raise SettingsWrong("MONSTER_MASTER_KEY must be 32 bytes in base64.")
        return self.settings.master_key

    def dashboard(self) -> DashboardSettings:
        return DashboardSettings(
            database_url=self.app_url(dashboard_database.NAME),
            database_pool_size=self.settings.database_pool_size,
            upload_limit=self.settings.upload_limit,
            engine_url=self.engine_url,
            signing_key=SecretStr(self.signing_key),
        )

    def engine(self) -> EngineSettings:
        mirror = self.settings.embedding_hub_url
        settings = EngineSettings(
            database_url=self.app_url(engine_database.NAME),
            database_pool_size=self.settings.database_pool_size,
            dashboard_public_key=self.public_key,
            master_key=self.master_key,
            outbound_allow=self.settings.outbound_allow,
            lease_seconds=self.settings.lease_seconds,
            data_dir=self.folder,
            upload_limit=self.settings.upload_limit,
        )
        return settings.model_copy(update={"embedding_hub_url": mirror}) if mirror else settings

    def _key(self, name: str, make: Callable[[], str]) -> str:
        """The key file, made by whoever comes first: a link never replaces what is there."""
        path = self.folder / "keys" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_suffix(f".{secrets.token_hex(8)}")
            draft.touch(mode=0o600)
            draft.write_text(make())
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text()


def _new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _new_signing_key() -> str:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()
