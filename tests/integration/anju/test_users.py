from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from api.rules import load_login_rules
from storage.pool import connect
from tests.estates import build_estates

PASSWORD = "correct horse battery"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return str(file)


@pytest.fixture
def users(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    cheap = replace(load_login_rules(), hash_time=1, hash_memory_kib=8, hash_lanes=1)
    monkeypatch.setattr("api.rules.load_login_rules", lambda: cheap)
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    with connect(dsn, name="test") as connection:
        build_estates(connection)

    def run(*arguments: str, typed: str | None = None) -> str:
        found = CliRunner().invoke(cli.app, ["users", *arguments], input=typed, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    return run


def test_an_account_is_made_listed_closed_and_opened(users, secret: str, dsn: str) -> None:
    users("add", "li", "--role", "supervisor", "--estate", "HA", "--estate", "HB", "--password-file", secret)
    users("add", "qian", "--role", "enforcement", "--all-estates", "--password-file", secret)
    assert users("list").splitlines() == ["li  supervisor  HA, HB", "qian  enforcement  all estates"]
    users("disable", "li")
    assert "li  supervisor  HA, HB  (disabled)" in users("list")
    users("enable", "li")
    assert "(disabled)" not in users("list")
    with connect(dsn, name="test") as connection:
        entries = connection.execute("SELECT actor, action, subject FROM audit_log ORDER BY id").fetchall()
    assert entries == [
        ("system:users", "account.add", "account:li"),
        ("system:users", "account.add", "account:qian"),
        ("system:users", "account.disable", "account:li"),
        ("system:users", "account.enable", "account:li"),
    ]


def test_a_password_that_is_asked_for_is_typed_twice_and_never_shown(users, dsn: str) -> None:
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    said = users("add", "li", "--role", "supervisor", "--all-estates", typed=typed)
    assert PASSWORD not in said
    with connect(dsn, name="test") as connection:
        (stored,) = connection.execute("SELECT password_hash FROM account").fetchall()
    assert stored[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "wu", "--role", "king", "--all-estates"), "no role 'king'"),
        (("add", "wu", "--role", "supervisor", "--estate", "HX"), "not all of these estates exist: HX"),
        (("add", "li", "--role", "supervisor", "--all-estates"), "there is an account 'li' already"),
        (("passwd", "wu"), "there is no account 'wu'"),
    ],
)
def test_nobody_is_asked_for_a_password_in_vain(
    users, secret: str, dsn: str, monkeypatch, arguments: tuple[str, ...], message: str
) -> None:
    users("add", "li", "--role", "supervisor", "--all-estates", "--password-file", secret)
    monkeypatch.setattr("anju.person.read_password", lambda *_, **__: pytest.fail("it was asked for"))
    with pytest.raises(AnjuError, match=message):
        users(*arguments)
    with connect(dsn, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM audit_log").fetchall() == [(1,)]


def test_passwd_changes_the_hash(users, secret: str, dsn: str) -> None:
    users("add", "li", "--role", "supervisor", "--all-estates", "--password-file", secret)
    with connect(dsn, name="test") as connection:
        before = connection.execute("SELECT password_hash FROM account").fetchall()
        users("passwd", "li", "--password-file", secret)
        connection.rollback()
        assert connection.execute("SELECT password_hash FROM account").fetchall() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "li", "--role", "supervisor", "--all-estates"), "there is an account 'li' already"),
        (("add", "张三", "--role", "supervisor", "--all-estates"), "'张三' cannot be a user name: 1 to 64"),
        (("add", "li wei", "--role", "supervisor", "--all-estates"), "'li wei' cannot be a user name"),
        (("add", "", "--role", "supervisor", "--all-estates"), "'' cannot be a user name"),
        (("add", "wu", "--role", "king", "--all-estates"), "no role 'king'"),
        (("add", "wu", "--role", "supervisor", "--estate", "HX"), "not all of these estates exist: HX"),
        (("add", "wu", "--role", "supervisor"), "an account sees nothing without"),
        (("passwd", "wu"), "there is no account 'wu'"),
        (("disable", "wu"), "there is no account 'wu'"),
        (("enable", "wu"), "there is no account 'wu'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    users, secret: str, arguments: tuple[str, ...], message: str
) -> None:
    users("add", "li", "--role", "supervisor", "--all-estates", "--password-file", secret)
    file = () if arguments[0] in {"disable", "enable"} else ("--password-file", secret)
    with pytest.raises(AnjuError, match=message):
        users(*arguments, *file)
    assert users("list") == "li  supervisor  all estates\n"


@pytest.mark.parametrize(("text", "message"), [("short", "at least 10"), ("", "at least 10")])
def test_a_weak_password_is_refused(users, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "weak"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AnjuError, match=message):
        users("add", "li", "--role", "supervisor", "--all-estates", "--password-file", str(file))
    with pytest.raises(AnjuError, match="cannot read the password file"):
        users("add", "li", "--role", "supervisor", "--all-estates", "--password-file", str(tmp_path / "none"))
