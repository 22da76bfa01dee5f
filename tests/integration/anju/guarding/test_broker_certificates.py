"""Devices that prove who they are with certificates, at the broker as `anju broker config` sets it up."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from anju import authority, cli
from anju.embedded.ports import HOST
from anju.errors import AnjuError, RequestInvalid
from devices import credentials
from storage.pool import Connection
from tests.integration.anju.guarded import REFUSED, Client, Connect, Guarded, heard
from wire.envelope import SERVICES

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Certified:
    """An authority, and devices that ask it for certificates."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self._folder = folder
        self._dsn = dsn

    def certificate(self, code: str, *, asks_as: str = "") -> ssl.SSLContext:
        """What a device connects with once its request is signed."""
        asked, key = authority.request(asks_as or code)
        csr, private, signed = (self._folder / f"{code}.{end}" for end in ("csr", "key", "pem"))
        csr.write_bytes(asked)
        private.write_bytes(key)
        given = ("--code", code, "--authority", str(self._folder), "--out", str(signed))
        _run("broker", "sign", str(csr), *given, dsn=self._dsn)
        return self._context(signed, private)

    def given_before(self, code: str, connection: Connection) -> tuple[int, ssl.SSLContext]:
        """One that was signed for a name that is refused today, and entered: its serial number too."""
        asked, key = authority.request(code)
        signer = authority.Authority.read(self._folder / "ca.pem", self._folder / "ca.key")
        made = signer.sign(asked, code=code, now=datetime.now(UTC), holds=timedelta(days=30))
        private, signed = (self._folder / f"{code}.{end}" for end in ("key", "pem"))
        private.write_bytes(key)
        signed.write_bytes(authority.pem(made))
        connection.execute(
            "INSERT INTO credential (device_id, kind, hash, serial, issued_at, issued_by)"
            " SELECT id, 'certificate', %s, %s, %s, 'test' FROM device WHERE code = %s",
            (authority.fingerprint(made), f"{made.serial_number:x}", NOW, code),
        )
        connection.commit()
        return made.serial_number, self._context(signed, private)

    def _context(self, signed: Path, private: Path) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._folder / "ca.pem"))
        context.load_cert_chain(signed, private)
        return context


@pytest.fixture
def certified(broker: Guarded, tmp_path: Path, connection: Connection) -> "Certified":
    """A broker that asks for certificates, and an authority that makes them."""
    folder = tmp_path / "authority"
    _run("broker", "ca", "--out", str(folder), "--server", HOST)
    broker.tls = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    files = ("--tls-cert", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key")
    ca = ("--client-ca", f"{folder}/ca.pem", "--authority", str(folder))
    broker.options = ("--login", "certificate", *files, *ca)
    return Certified(folder, broker.dsn)


def _run(*given: str, dsn: str = "") -> str:
    found = CliRunner().invoke(cli.app, given, env={"ANJU_DATABASE_URL": dsn}, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_the_common_name_of_a_certificate_is_who_the_device_is(
    broker: Guarded, client: Connect, ingest: Callable[[], Client], certified: Certified
) -> None:
    context = certified.certificate("lock-1")
    password = broker.issue("lock-2")
    broker.configure()
    broker.start()
    listener = ingest()
    lock = client(tls=context)
    assert lock.refused is None
    assert lock.publish("hm/v1/lock-1/up/m") == "Success"
    assert lock.publish("hm/v1/lock-2/up/m") == REFUSED
    # Whatever name and password it gives besides, and without a certificate nobody.
    liar = client("lock-2", password, tls=context)
    assert liar.publish("hm/v1/lock-2/up/m") == REFUSED
    assert client("lock-2", password, tls=broker.tls).refused is not None
    assert client("lock-2", password).refused is not None  # plain text on that port
    heard(listener, "hm/v1/lock-1/up/m")


def test_a_revoked_certificate_is_out(
    broker: Guarded,
    client: Connect,
    ingest: Callable[[], Client],
    certified: Certified,
    connection: Connection,
) -> None:
    first = certified.certificate("lock-1")
    broker.configure()
    broker.start()
    listener = ingest()
    second = certified.certificate("lock-1")  # which revokes the first
    other = certified.certificate("lock-2")
    connected = client(tls=other)
    assert connected.publish("hm/v1/lock-2/up/m") == "Success"
    credentials.revoke(connection, code="lock-2", kind="certificate", by="system:test", now=NOW)
    connection.commit()
    said = broker.configure()
    assert said["changed"] == ["acl", "crl.pem"]
    broker.reload()
    # Who is connected may do nothing any more; who was replaced does not get in.
    assert connected.publish("hm/v1/lock-2/up/m") == REFUSED
    assert client(tls=second).refused is None
    assert client(tls=first).refused is not None
    assert client(tls=other).refused is not None
    assert len(listener.inbox) == 1
    assert broker.configure()["changed"] == []


def test_a_request_for_another_device_is_not_signed(certified: Certified) -> None:
    with pytest.raises(RequestInvalid, match="lock-2"):
        certified.certificate("lock-1", asks_as="lock-2")


@pytest.mark.parametrize("status", ["active", "retired"])
def test_a_certificate_in_the_name_of_a_service_is_of_no_use(
    broker: Guarded,
    client: Connect,
    ingest: Callable[[], Client],
    certified: Certified,
    connection: Connection,
    devices: dict[str, int],
    status: str,
) -> None:
    context = certified.certificate("lock-1")
    connection.execute(  # as an earlier version let it in
        "INSERT INTO device (code, profile, serial, estate_id, status)"
        " SELECT unnest(%s::text[]), profile, '', estate_id, %s FROM device WHERE id = %s",
        (list(SERVICES), status, devices["lock-1"]),
    )
    connection.commit()
    with pytest.raises(AnjuError, match="name of a service"):
        certified.certificate("ingest")
    given = {name: certified.given_before(name, connection) for name in SERVICES}
    broker.configure()
    listed = x509.load_pem_x509_crl((broker.folder / "crl.pem").read_bytes())
    assert {entry.serial_number for entry in listed} == {serial for serial, _ in given.values()}
    broker.start()
    listener = ingest()
    for name, (_, pretends) in given.items():
        assert client(tls=pretends).refused is not None, name
    lock = client(tls=context)
    assert lock.publish("hm/v1/lock-1/up/m") == "Success"
    heard(listener, "hm/v1/lock-1/up/m")
    assert not listener.ended
