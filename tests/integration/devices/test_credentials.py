"""What devices prove themselves by."""

import subprocess
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from devices import credentials, registry
from devices.errors import RetiredDevice, UnknownDevice
from storage.pool import Connection
from tests.conftest import tool
from tests.homes import make_estate

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BY = "account:zhang"


@pytest.fixture(autouse=True)
def devices(connection: Connection) -> None:
    estate = make_estate(connection)
    for code in ("lock-1", "lock-2"):
        registry.register_device(connection, code=code, profile="lock-native", estate_id=estate)
    connection.commit()


def _issue(connection: Connection, code: str = "lock-1", kind: credentials.SecretKind = "password") -> str:
    return credentials.issue(connection, code=code, kind=kind, by=BY, now=NOW)


def _verify(
    connection: Connection, secret: str, code: str = "lock-1", kind: credentials.SecretKind = "password"
) -> bool:
    return credentials.verify(connection, code=code, kind=kind, secret=secret)


def test_a_secret_proves_its_device_only_and_its_kind_only(connection: Connection) -> None:
    secret = _issue(connection)
    assert _verify(connection, secret)
    assert not _verify(connection, secret + "x")
    assert not _verify(connection, "")
    assert not _verify(connection, secret, code="lock-2")
    assert not _verify(connection, secret, code="nobody")
    assert not _verify(connection, secret, kind="http")


def test_the_secret_itself_is_kept_nowhere(connection: Connection) -> None:
    secret = _issue(connection)
    stored = connection.execute("SELECT c::text FROM credential c UNION ALL SELECT a::text FROM audit_log a")
    assert not any(secret in row for (row,) in stored)


def test_issuing_again_revokes_what_was_there(connection: Connection) -> None:
    old = _issue(connection)
    new = _issue(connection)
    assert not _verify(connection, old)
    assert _verify(connection, new)
    # Of another kind stays as it is.
    _issue(connection, kind="http")
    assert _verify(connection, new)


def test_what_is_revoked_proves_nothing(connection: Connection) -> None:
    secret = _issue(connection)
    assert credentials.revoke(connection, code="lock-1", kind="password", by=BY, now=NOW)
    assert not _verify(connection, secret)
    assert not credentials.revoke(connection, code="lock-1", kind="password", by=BY, now=NOW)
    assert credentials.password_hashes(connection) == []
    assert credentials.shut_out(connection) == ["lock-1"]


def test_a_retired_device_proves_nothing_and_is_given_nothing(connection: Connection) -> None:
    secret = _issue(connection)
    registry.retire(connection, "lock-1")
    assert not _verify(connection, secret)
    assert credentials.password_hashes(connection) == []
    assert credentials.shut_out(connection) == ["lock-1"]
    with pytest.raises(RetiredDevice, match="lock-1"):
        _issue(connection)


def test_an_unknown_device_is_said(connection: Connection) -> None:
    with pytest.raises(UnknownDevice, match="lock-9"):
        _issue(connection, code="lock-9")


def test_every_change_is_audited(connection: Connection) -> None:
    _issue(connection)
    credentials.revoke(connection, code="lock-1", kind="password", by=BY, now=NOW)
    found = connection.execute("SELECT actor, action, subject, detail FROM audit_log ORDER BY id").fetchall()
    assert found == [
        (BY, "credential.issue", "device:lock-1", {"kind": "password"}),
        (BY, "credential.revoke", "device:lock-1", {"kind": "password"}),
    ]


def test_certificates_that_were_replaced_are_listed_as_revoked(connection: Connection) -> None:
    for serial in (2**100 + 7, 9):
        credentials.certify(connection, code="lock-1", fingerprint="ab" * 32, serial=serial, by=BY, now=NOW)
    assert [found.serial for found in credentials.revoked_certificates(connection)] == [2**100 + 7]
    registry.retire(connection, "lock-1")
    assert [found.serial for found in credentials.revoked_certificates(connection)] == [2**100 + 7, 9]


def test_the_broker_s_own_program_makes_the_same_hash(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    subprocess.run(
        [tool("mosquitto_passwd"), "-b", "-c", file, "someone", "p@ss:word"], check=True, capture_output=True
    )
    name, _, written = file.read_text().strip().partition(":")
    assert name == "someone"
    salt = b64decode(written.split("$")[3])
    assert credentials.hash_secret("p@ss:word", salt=salt) == written


def test_one_credential_of_a_kind_is_in_force_whoever_issues(connection: Connection) -> None:
    _issue(connection)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO credential (device_id, kind, hash, issued_at, issued_by)"
            " SELECT device_id, kind, hash, issued_at, issued_by FROM credential"
        )
