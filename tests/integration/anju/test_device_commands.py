"""Commands to devices from the command line: what needs two persons needs two there as well."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from api import accounts
from api.passwords import Passwords
from api.rules import load_login_rules
from devices import registry
from storage.pool import Connection, connect
from tests.estates import NOW, build_estates, estate_id

Rows = Callable[[str], list[tuple]]
CLOSE = ("command", "water", "valve_close", "--reason", "water_leak")


@pytest.fixture
def devices(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs `anju devices`; `by` names who says so: li and wang are operators, chen only installs."""
    cheap = replace(load_login_rules(), hash_time=1, hash_memory_kib=8, hash_lanes=1)
    monkeypatch.setattr("api.rules.load_login_rules", lambda: cheap)
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    with connect(dsn, name="test") as connection:
        build_estates(connection)
        for code, profile in (("water", "water-register"), ("lock", "lock-native")):
            registry.register_device(
                connection, code=code, profile=profile, estate_id=estate_id(connection, "HA")
            )
        for name, role in (("li", "operator"), ("wang", "operator"), ("chen", "installer")):
            accounts.add(
                connection, username=name, password=f"{name}'s password", role=role, all_estates=True,
                passwords=Passwords(cheap), rules=cheap, by="system:test", now=NOW,
            )  # fmt: skip

    def run(*arguments: str, by: str = "", password: str = "") -> str:
        file = tmp_path / "password"
        file.write_text(password or f"{by}'s password")
        given = ("--by", by, "--password-file", str(file)) if by else ()
        found = CliRunner().invoke(cli.app, ["devices", *arguments, *given], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    return run


@pytest.fixture
def rows(connection: Connection) -> Rows:
    """Ask the database anew each time."""

    def ask(query: str) -> list[tuple]:
        connection.rollback()
        return connection.execute(query).fetchall()  # pyright: ignore[reportArgumentType, reportCallIssue]

    return ask


def test_what_is_harmless_is_queued(devices, rows: Rows) -> None:
    said = devices("command", "lock", "set_interval", "--arg", "seconds=900", by="li")
    assert "lock  set_interval seconds=900  queued" in said
    assert "asked by account:li" in said
    assert rows("SELECT asked_by, arguments FROM command") == [("account:li", {"seconds": 900})]
    assert "set_interval seconds=900  queued" in devices("commands", "lock")
    assert devices("commands", "water") == ""


def test_who_proposed_a_valve_cannot_approve_it_and_somebody_else_can(devices, rows: Rows) -> None:
    proposed = json.loads(devices(*CLOSE, "--json", by="li"))
    assert (proposed["status"], proposed["asked_by"]) == ("proposed", "account:li")
    assert proposed["expires_at"].endswith("Z")
    with pytest.raises(AnjuError, match="account:li asked for valve_close and cannot approve it"):
        devices("approve-command", proposed["id"], by="li")
    assert "queued" in devices("approve-command", proposed["id"], by="wang")
    assert rows("SELECT asked_by, approved_by FROM command") == [("account:li", "account:wang")]
    shown = devices("commands", "--status", "queued")
    assert "asked by account:li for water_leak" in shown
    assert "approved by account:wang" in shown
    assert "+08:00" in shown


def test_nobody_speaks_in_somebody_else_s_name(devices, rows: Rows) -> None:
    proposed = json.loads(devices(*CLOSE, "--json", by="li"))
    with pytest.raises(AnjuError, match="password is not correct"):
        devices("approve-command", proposed["id"], by="wang", password="li's password")
    with pytest.raises(AnjuError, match="password is not correct"):
        devices(*CLOSE, by="system:devices")
    assert rows("SELECT status FROM command") == [("proposed",)]
    assert rows("SELECT count(*) FROM login_session") == [(0,)]
    assert rows("SELECT count(*) FROM login_failure") == [(2,)]


def test_who_may_not_command_may_not_here(devices, rows: Rows) -> None:
    with pytest.raises(AnjuError):
        devices("command", "lock", "restart", by="chen")
    assert rows("SELECT count(*) FROM command") == [(0,)]


def test_a_means_of_pressure_is_refused_and_stays_on_record(devices, rows: Rows) -> None:
    with pytest.raises(AnjuError, match=r"refused, and recorded \(行政强制法"):
        devices("command", "water", "valve_close", "--reason", "arrears", by="li")
    assert rows("SELECT status, refusal FROM command") == [("refused", "pressure")]
    assert rows("SELECT actor FROM audit_log WHERE action = 'command.pressure'") == [("account:li",)]


def test_a_proposal_is_withdrawn_or_declined(devices) -> None:
    for by, refusal in (("li", "withdrawn"), ("wang", "declined")):
        proposed = json.loads(devices(*CLOSE, "--json", by="li"))
        assert f"refused: {refusal}" in devices("refuse-command", proposed["id"], by=by)


def test_what_waits_already_is_named(devices) -> None:
    proposed = json.loads(devices(*CLOSE, "--json", by="li"))
    with pytest.raises(AnjuError, match=f"waits for a second person already: {proposed['id']}, asked by"):
        devices(*CLOSE, by="wang")


def test_a_note_that_would_put_pressure_on_somebody_stays_on_record(devices, rows: Rows) -> None:
    with pytest.raises(AnjuError, match="moving out: that is no reason for a command"):
        devices(*CLOSE, "--note", "欠租三个月", by="li")
    assert rows("SELECT actor FROM audit_log WHERE action = 'command.pressure'") == [("account:li",)]


def test_a_dry_run_says_what_would_become_of_it_and_leaves_nothing(devices, rows: Rows) -> None:
    said = devices(*CLOSE, "--dry-run", by="li")
    assert "valve_close  proposed" in said
    assert said.endswith("not done: --dry-run\n")
    assert json.loads(devices(*CLOSE, "--dry-run", "--json", by="li"))["dry_run"] is True
    assert rows("SELECT count(*) FROM command") == [(0,)]
    assert rows("SELECT count(*) FROM audit_log WHERE action LIKE 'command.%'") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "restart"), "no such device: nowhere"),
        (("lock", "valve_close", "--reason", "fire"), "lock does not understand valve_close"),
        (("lock", "set_interval", "--arg", "seconds=soon"), "--arg seconds=soon"),
        (("lock", "set_interval", "--arg", "seconds=5"), "set_interval: seconds is from 60 to 86400, not 5"),
        (("lock", "set_interval"), "set_interval takes seconds, not none"),
        (("x" * 65, "restart"), "device: "),
        (("lock", "restart", "--note", "call 13800138000"), "must not hold a phone number"),
    ],
)
def test_what_cannot_be_told_is_one_line(devices, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(AnjuError, match=said):
        devices("command", *arguments, by="li")
