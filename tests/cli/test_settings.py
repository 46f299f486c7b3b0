"""What people set, and what they are told when it is wrong."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from monster.cli import settings
from monster.cli.installation import Installation
from monster.cli.settings import PREFIX, Platform, SettingsWrong
from monster.cli.settings_keys import MasterKeys
from monster.kit import crypto

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Platform.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def _row(name: str, field: FieldInfo) -> str:
    default: object = field.get_default(call_default_factory=True)
    shown = "–" if default in (None, (), {}) else f"`{default}`"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


def test_the_page_tells_every_setting_as_it_is() -> None:
    own = [name for name in Platform.model_fields if name not in MasterKeys.model_fields]
    names = [*own, *MasterKeys.model_fields]
    rows = [_row(name, Platform.model_fields[name]) for name in names]
    page = [line for line in PAGE.read_text().splitlines() if line.startswith("| `MONSTER_")]
    assert page == rows, "docs/settings.md should read:\n" + "\n".join(rows)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PROT": "1"}, "There is no setting MONSTER_PROT. Did you mean MONSTER_PORT?"),
        ({"XYZZY": "1"}, "There is no setting MONSTER_XYZZY."),
        ({"PORT": "http"}, "MONSTER_PORT is wrong: input should be a valid integer"),
        ({"PORT": "70000"}, "MONSTER_PORT is wrong: input should be less than or equal to 65535"),
        ({"ADMIN_EMAIL": "me"}, "MONSTER_ADMIN_EMAIL is wrong"),
        ({"ADMIN_PASSWORD": "short"}, "MONSTER_ADMIN_PASSWORD is wrong"),
        ({"OUTBOUND_ALLOW": "localhost"}, "MONSTER_OUTBOUND_ALLOW is wrong"),
        ({"OAUTH_APPS": "{secret"}, "MONSTER_OAUTH_APPS is wrong: it is not JSON."),
        (
            {"OAUTH_APPS": '{"google": {"token_url": "x"}}'},
            "MONSTER_OAUTH_APPS is wrong: google: token_url: ",
        ),
        (
            {"OAUTH_APPS": '{"google": {"secret": "x"}}'},
            "MONSTER_OAUTH_APPS is wrong: google: secret: extra",
        ),
        ({"LOG_FORMAT": "xml"}, "MONSTER_LOG_FORMAT is wrong: input should be 'auto', 'json'"),
        ({"DATABASE_URL": "postgresql://x"}, "MONSTER_DATABASE_URL is wrong: set database_app"),
        ({"VAULT_ADDRESS": "https://v"}, "MONSTER_VAULT_ADDRESS is wrong: set vault_token or"),
        ({"VAULT_ADDRESS": "vault:8200"}, "MONSTER_VAULT_ADDRESS is wrong: string should match"),
        ({"KMS_KEY": "alias/m"}, "MONSTER_KMS_KEY is wrong: set aws_region, aws_access_key_id"),
        ({"MASTER_KEY_FROM": "vault"}, "MONSTER_MASTER_KEY_FROM is wrong: there is no key from"),
        ({"MASTER_KEY_FROM": "there"}, "MONSTER_MASTER_KEY_FROM is wrong: input should be"),
    ],
)
def test_a_wrong_or_unknown_setting_is_a_sentence(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsWrong) as wrong:
        settings.load()
    assert str(wrong.value).startswith(sentence)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("prot = 1", "monster.toml: There is no setting prot. Did you mean port?"),
        ("port = 'x'", "MONSTER_PORT is wrong"),
        ("port =", "monster.toml is not TOML"),
    ],
)
def test_so_it_is_in_the_file(file: str, sentence: str) -> None:
    Path("monster.toml").write_text(file)
    with pytest.raises(SettingsWrong) as wrong:
        settings.load()
    assert str(wrong.value).startswith(sentence)


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("monster.toml").write_text("port = 9000\nhost = '::1'\noutbound_allow = ['10.0.0.0/8']")
    monkeypatch.setenv("MONSTER_PORT", "9001")
    found = settings.load()
    assert (found.port, found.host) == (9001, "::1")
    assert [str(network) for network in found.outbound_allow] == ["10.0.0.0/8"]


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONSTER_MASTER_KEY", "not-for-your-eyes")
    assert "not-for-your-eyes" not in repr(settings.load())


WRONG = [
    ({"MASTER_KEY": "nonsense"}, "MONSTER_MASTER_KEY is wrong: the master key has 6 bytes"),
    ({"MASTER_KEY": "*"}, "MONSTER_MASTER_KEY is wrong: the master key is neither base64 nor hex"),
    ({"SIGNING_KEY": "x"}, "MONSTER_SIGNING_KEY is not an Ed25519 private key in PEM."),
    ({"DASHBOARD_PUBLIC_KEY": "x"}, "MONSTER_DASHBOARD_PUBLIC_KEY is not an Ed25519 public key"),
    ({"SMTP_URL": "mail.example.com:25"}, "MONSTER_SMTP_URL is wrong: it must look like smtp://"),
    ({"SMTP_URL": "smtp://u:p@host:port"}, "MONSTER_SMTP_URL is wrong: its port is not a number."),
    ({"DATA_DIR": __file__}, "MONSTER_DATA_DIR is wrong"),
    ({"DATA_DIR": f"{__file__}/below"}, "MONSTER_DATA_DIR is wrong"),
    (
        {"DATABASE_URL": "mysql://x/y", "DATABASE_APP_PASSWORD": "x"},
        "MONSTER_DATABASE_URL must begin with postgresql://.",
    ),
]


@pytest.mark.parametrize(("variables", "sentence"), WRONG)
def test_what_cannot_work_is_said_before_anything_starts(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsWrong) as wrong:
        Installation(settings.load()).check()
    assert str(wrong.value).startswith(sentence)
    assert not Path(".monster").exists()


@pytest.mark.parametrize("command", ["serve", "serve engine", "worker", "migrate", "ask a b"])
def test_every_command_says_it_and_ends_with_2(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONSTER_MASTER_KEY", "nonsense")
    arguments = [sys.executable, "-m", "monster.cli", *command.split()]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == 2
    assert ended.stderr.startswith("MONSTER_MASTER_KEY is wrong: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"\xff", 0o600, "does not hold a key"),
        (b"junk", 0o600, "is wrong: "),
        (base64.b64encode(bytes(32)), 0o644, "Others can read "),
    ],
)
def test_a_key_file_that_is_not_right_is_named(content: bytes, mode: int, sentence: str) -> None:
    file = Path(".monster/keys/master.key")
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SettingsWrong) as wrong:
        Installation(settings.load()).check()
    assert sentence in str(wrong.value)
    assert "keys/master.key" in str(wrong.value)
    assert file.read_bytes() == content


def test_key_files_are_made_once_and_for_us_alone() -> None:
    first = Installation(settings.load())
    made = [first.master_key.get_secret_value(), first.signing_key, first.public_key]
    again = Installation(settings.load())
    again.check()
    assert [again.master_key.get_secret_value(), again.signing_key, again.public_key] == made
    assert crypto.MasterKey.parse(made[0]).fingerprint
    assert {file.stat().st_mode & 0o777 for file in Path(".monster/keys").iterdir()} == {0o600}


def test_a_server_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONSTER_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/x")
    monkeypatch.setenv("MONSTER_DATABASE_APP_PASSWORD", "secret")
    arguments = [sys.executable, "-m", "monster.cli", "serve", "engine"]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == 1
    assert "The database cannot be used" in ended.stderr
    assert "Connection refused" in ended.stderr.replace("\n", " ")
    assert "Traceback" not in ended.stderr
