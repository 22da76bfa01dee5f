"""`anju broker sign` and `config`: what is wrong with what they are given is said in our words."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import authority, cli
from anju.embedded.ports import HOST
from anju.errors import AnjuError, AuthorityInvalid, RequestInvalid
from devices import registry
from storage.pool import Connection
from tests.homes import make_estate

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
BROKEN = b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"

Sign = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an authority."""
    found = tmp_path / "authority"
    CliRunner().invoke(cli.app, ["broker", "ca", "--out", str(found), "--server", HOST])
    return found


@pytest.fixture
def sign(folder: Path, dsn: str, connection: Connection) -> Sign:
    """Ask for lock-1's certificate with what is in a file."""
    registry.register_device(
        connection, code="lock-1", profile="lock-native", estate_id=make_estate(connection)
    )
    connection.commit()

    def run(request: bytes, *, out: str = "lock-1.pem") -> None:
        file = folder / "lock-1.csr"
        file.write_bytes(request)
        given = ["--code", "lock-1", "--authority", str(folder), "--out", str(folder / out)]
        CliRunner().invoke(
            cli.app,
            ["broker", "sign", str(file), *given],
            env={"ANJU_DATABASE_URL": dsn},
            catch_exceptions=False,
        )

    return run


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\x00", CERTIFICATE, BROKEN])
def test_what_is_no_request_is_named(sign: Sign, folder: Path, content: bytes) -> None:
    with pytest.raises(RequestInvalid) as refused:
        sign(content)
    assert str(refused.value).startswith(
        f"{folder}/lock-1.csr: not a certificate request in PEM, or of a key"
    )
    assert "openssl req -new" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("ca.key", b"x", r"ca\.key is not a key in PEM, or is locked by a password"),
        ("ca.pem", b"x", r"ca\.pem is not a certificate in PEM that can be used"),
        ("ca.pem", CERTIFICATE, r"ca\.pem is not a certificate in PEM that can be used"),
        ("ca.pem", None, r"cannot read .*ca\.pem: No such file or directory"),
    ],
)
def test_so_is_an_authority_that_is_none(
    sign: Sign, folder: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(AuthorityInvalid, match=said):
        sign(authority.request("lock-1")[0])


def test_a_certificate_that_cannot_be_written_is_not_entered(sign: Sign, connection: Connection) -> None:
    asked = authority.request("lock-1")[0]
    with pytest.raises(AnjuError, match=r"cannot write .*/nowhere/lock-1\.pem: No such file"):
        sign(asked, out="nowhere/lock-1.pem")
    assert connection.execute("SELECT count(*) FROM credential").fetchone() == (0,)
    connection.commit()
    sign(asked)
    assert connection.execute("SELECT count(*) FROM credential").fetchone() == (1,)


@pytest.mark.parametrize(
    ("user", "options", "warned"),
    [(0, (), True), (0, ("--account", "root"), False), (1000, (), False), (0, ("--owner", "OWN"), False)],
)
def test_root_is_told_that_the_broker_cannot_read_his_files(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    dsn: str,
    user: int,
    options: tuple[str, ...],
    warned: bool,
) -> None:
    own = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: user)
    found = CliRunner().invoke(
        cli.app,
        [
            *("broker", "config", "--out", str(tmp_path / "b"), "--plain", "--host", HOST),
            *("--port", "2883", "--json", *(own if one == "OWN" else one for one in options)),
        ],
        env={"ANJU_DATABASE_URL": dsn},
        catch_exceptions=False,
    )
    assert found.exit_code == 0
    assert ("run as root without --owner" in found.stderr) == warned
    assert json.loads(found.stdout)["needs"] == "restart"
