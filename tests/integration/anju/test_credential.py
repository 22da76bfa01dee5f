"""`anju devices credential`: a secret that is shown once."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from devices import credentials, registry
from devices.credentials import SecretKind
from storage.pool import Connection
from tests.homes import make_estate


@pytest.fixture
def credential(dsn: str, connection: Connection) -> Callable[..., str]:
    registry.register_device(
        connection, code="lock-1", profile="lock-native", estate_id=make_estate(connection)
    )
    connection.commit()

    def run(*arguments: str) -> str:
        given = ["devices", "credential", *arguments]
        found = CliRunner().invoke(cli.app, given, env={"ANJU_DATABASE_URL": dsn}, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output.strip()

    return run


@pytest.mark.parametrize("kind", ["password", "http"])
def test_a_secret_is_shown_once_and_can_be_taken_back(
    credential: Callable[..., str], connection: Connection, kind: SecretKind
) -> None:
    secret = credential("lock-1", "--kind", kind)
    assert credentials.verify(connection, code="lock-1", kind=kind, secret=secret)
    connection.rollback()
    assert credential("lock-1", "--kind", kind) != secret
    assert not credentials.verify(connection, code="lock-1", kind=kind, secret=secret)
    connection.rollback()
    assert credential("lock-1", "--kind", kind, "--revoke") == f"lock-1 has no {kind} any more"
    with pytest.raises(AnjuError, match="in force"):
        credential("lock-1", "--kind", kind, "--revoke")
    actors = connection.execute("SELECT DISTINCT actor FROM audit_log").fetchall()
    assert actors == [("system:devices",)]


def test_what_cannot_be_issued_is_said(credential: Callable[..., str]) -> None:
    with pytest.raises(AnjuError, match="lock-9"):
        credential("lock-9")
    with pytest.raises(AnjuError, match="broker sign"):
        credential("lock-1", "--kind", "certificate")
