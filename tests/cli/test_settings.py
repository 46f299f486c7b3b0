"""What people set, and what they are told when it is wrong."""

from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from monster.cli import settings
from monster.cli.settings import PREFIX, Platform, SettingsWrong

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Platform.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def _row(name: str, field: FieldInfo) -> str:
    default: object = field.default
    shown = "–" if default in (None, ()) else f"`{default}`"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


def test_the_page_tells_every_setting_as_it_is() -> None:
    rows = [_row(name, field) for name, field in Platform.model_fields.items()]
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
        ({"LOG_FORMAT": "xml"}, "MONSTER_LOG_FORMAT is wrong: input should be 'auto', 'json'"),
        ({"DATABASE_URL": "postgresql://x"}, "MONSTER_DATABASE_URL is wrong: set database_app"),
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
