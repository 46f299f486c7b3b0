"""Where the master key is, as settings say it; and the key file that holds several."""

import subprocess
import sys
from pathlib import Path

import pytest

from monster.cli import keys, keys_settings, settings
from monster.cli.installation import Installation
from monster.cli.settings import PREFIX, Platform, SettingsWrong
from monster.engine.secrets import keyring
from monster.kit import crypto

KEY, OTHER = crypto.new_master_key(), crypto.new_master_key()
VAULT = {"VAULT_ADDRESS": "http://127.0.0.1:9", "VAULT_TOKEN": "token"}
KMS = {
    "KMS_KEY": "alias/monster",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "not-for-your-eyes",
}
FILE = Path(".monster/keys/master.key")


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Platform.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def put_file(*lines: str) -> None:
    FILE.parent.mkdir(parents=True)
    FILE.touch(mode=0o600)
    FILE.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("variables", "file", "expected"),
    [
        ({}, False, ["file"]),
        ({}, True, ["file"]),
        ({"MASTER_KEY": KEY}, False, ["setting"]),
        ({"MASTER_KEY": KEY}, True, ["setting", "file"]),
        ({"MASTER_KEY": KEY, "MASTER_KEY_FROM": "file"}, False, ["file", "setting"]),
        (VAULT, False, ["vault"]),
        (VAULT, True, ["vault", "file"]),
        (KMS, False, ["aws-kms"]),
        ({**VAULT, **KMS, "MASTER_KEY": KEY}, True, ["vault", "setting", "file", "aws-kms"]),
        ({**KMS, "MASTER_KEY": KEY, "MASTER_KEY_FROM": "setting"}, False, ["setting", "aws-kms"]),
    ],
)
def test_one_place_wraps_and_all_open(
    variables: dict[str, str],
    file: bool,  # noqa: FBT001 (a parameter of the test)
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    monkeypatch.setenv(f"{PREFIX}DASHBOARD_PUBLIC_KEY", keys.public_half(keys.new_signing_key()))
    if file:
        put_file(OTHER)
    told = Installation(settings.load()).engine()
    kinds = {
        "SetKeys": "setting", "FileKeys": "file", "VaultKeys": "vault", "KmsKeys": "aws-kms",
    }  # fmt: skip
    places = keyring.from_settings(told).places
    assert [kinds[type(place).__name__] for place in places] == expected
    assert FILE.exists() is ("file" in expected)
    assert "not-for-your-eyes" not in repr(told)


def test_what_other_programs_read_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KMS.items():
        monkeypatch.setenv(name if name.startswith("AWS_") else PREFIX + name, value)
    monkeypatch.setenv("MONSTER_AWS_REGION", "eu-west-1")
    found = settings.load()
    assert (found.aws_region, found.aws_access_key_id) == ("eu-west-1", "AKID")
    assert keys_settings.source(found) == "aws-kms"


def test_so_it_is_in_the_file() -> None:
    Path("monster.toml").write_text("".join(f"{n.lower()} = '{v}'\n" for n, v in KMS.items()))
    assert settings.load().aws_region == "eu-central-1"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"MASTER_KEY": KEY}, "The master key is set by MONSTER_MASTER_KEY: put a new one before"),
        (VAULT, "The master key is in Vault: make a new version of it there"),
        (KMS, "The master key is in AWS KMS: rotate it there"),
    ],
)
def test_a_master_key_that_is_not_in_the_file_is_made_elsewhere(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    command = [sys.executable, "-m", "monster.cli", "keys", "rotate", "--master"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == 2
    assert " ".join(ended.stderr.split()).startswith(sentence)
    assert not Path(".monster").exists()


def test_without_an_installation_there_is_nothing_to_rotate() -> None:
    command = [sys.executable, "-m", "monster.cli", "keys", "rotate"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == 1
    assert "There is no installation in" in ended.stderr
    assert not Path(".monster").exists()


def test_a_new_key_comes_first_and_the_file_stays_ours() -> None:
    put_file(KEY)
    keys.put_first(FILE, OTHER)
    assert FILE.read_text() == f"{OTHER}\n{KEY}\n"
    assert FILE.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in FILE.parent.iterdir()] == [FILE.name]
    with pytest.raises(SettingsWrong, match=r"nowhere\.key cannot be changed"):
        keys.put_first(FILE.with_name("nowhere.key"), OTHER)
