"""mosquitto as `anju broker config` sets it up: who gets in, and what they may say and hear."""

import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from anju import cli
from anju.embedded.ports import HOST
from anju.errors import AnjuError, BrokerPlanInvalid
from devices import credentials
from devices.errors import ReservedDeviceCode
from storage.pool import Connection
from tests.conftest import tool
from tests.integration.anju.guarded import REFUSED, Client, Connect, Guarded, heard, version
from tests.waiting import wait_until
from wire.envelope import SERVICES

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_a_device_writes_under_its_own_name_only(
    broker: Guarded, client: Connect, ingest: Callable[[], Client]
) -> None:
    password = broker.issue("lock-1")
    broker.configure()
    broker.start()
    listener = ingest()
    lock = client("lock-1", password)
    assert lock.refused is None
    assert lock.publish("hm/v1/lock-1/up/m") == "Success"
    for foreign in (
        "hm/v1/lock-2/up/m", "hm/v1/lock-1/down/cmd", "hm/v1/~settle/up/m", "gw/lock-2/x", "other", "$SYS/x",
        "zigbee2mqtt/lock",
    ):  # fmt: skip
        assert lock.publish(foreign) == REFUSED, foreign
    assert lock.publish("gw/lock-1/zigbee2mqtt/lock") == "Success"
    heard(listener, "hm/v1/lock-1/up/m", "gw/lock-1/zigbee2mqtt/lock")


def test_an_old_client_is_told_nothing_and_its_forbidden_message_goes_nowhere(
    broker: Guarded, client: Connect, ingest: Callable[[], Client]
) -> None:
    password = broker.issue("lock-1")
    broker.configure()
    broker.start()
    listener = ingest()
    lock = client("lock-1", password, old=True)
    assert lock.publish("hm/v1/lock-2/up/m") == "Success"  # of MQTT 3.1.1: there is no other answer
    lock.publish("hm/v1/lock-1/up/m")
    heard(listener, "hm/v1/lock-1/up/m")


def test_a_device_hears_what_is_said_to_it_and_nothing_else(
    broker: Guarded, client: Connect, ingest: Callable[[], Client]
) -> None:
    passwords = {code: broker.issue(code) for code in ("lock-1", "lock-2")}
    broker.configure()
    broker.start()
    speaker = ingest()
    one, other = (client(code, password) for code, password in passwords.items())
    for lock in (one, other):
        for topic in ("#", "hm/#", "hm/v1/lock-1/down/#", "$SYS/#"):
            lock.subscribe(topic)
    assert speaker.publish("hm/v1/lock-1/down/cmd", "for one") == "Success"
    assert one.publish("hm/v1/lock-1/up/m", "from one") == "Success"
    assert speaker.publish("hm/v1/lock-2/down/cmd", "for other") == "Success"
    wait_until(lambda: one.inbox and other.inbox)
    assert set(one.inbox) == {("hm/v1/lock-1/down/cmd", b"for one")}
    assert set(other.inbox) == {("hm/v1/lock-2/down/cmd", b"for other")}


def test_who_has_no_name_or_a_wrong_password_is_not_let_in(broker: Guarded, client: Connect) -> None:
    password = broker.issue("lock-1")
    broker.configure()
    broker.start()
    assert client().refused == REFUSED
    for port in (broker.port, broker.inner):
        # Two anonymous spellings, a stranger, a wrong password, another's password.
        assert client(port=port).refused == REFUSED
        assert client("", "", port=port).refused == REFUSED
        assert client("nobody", password, port=port).refused == REFUSED
        assert client("lock-1", password + "x", port=port).refused == REFUSED
        assert client("ingest", password, port=port).refused == REFUSED
    assert client("lock-1", password).refused is None


def test_it_listens_where_it_was_told_and_nowhere_else(broker: Guarded, devices: dict[str, int]) -> None:
    for code in ("gate-1", "face-1", "lock-1"):
        broker.issue(code)
    said = broker.configure("--mount", "gate-1")
    broker.start()
    assert broker.process is not None
    sockets = psutil.Process(broker.process.pid).net_connections()
    listening = {tuple(s.laddr) for s in sockets if s.status == psutil.CONN_LISTEN}
    # One that was named here, and one whose profile says that it needs it.
    gates = {code: broker.mounts_from + devices[code] for code in ("face-1", "gate-1")}
    assert said["ports"]["mounts"] == gates
    assert listening == {(HOST, port) for port in (broker.port, broker.inner, *gates.values())}


def test_a_revoked_password_is_out_after_a_reload_connected_or_not(
    broker: Guarded, client: Connect, ingest: Callable[[], Client], connection: Connection
) -> None:
    password = broker.issue("lock-1")
    broker.configure()
    broker.start()
    listener = ingest()
    lock = client("lock-1", password)
    credentials.revoke(connection, code="lock-1", kind="password", by="system:test", now=NOW)
    connection.commit()
    said = broker.configure()
    assert (said["changed"], said["needs"]) == (["acl", "passwd"], "reload")
    broker.reload()
    wait_until(lambda: lock.ended, what="the broker has put it out")
    assert client("lock-1", password).refused == REFUSED
    assert client("lock-1", broker.issue("lock-1")).refused == REFUSED  # not reloaded yet
    assert not listener.inbox
    assert not listener.ended


def test_a_new_password_counts_after_a_reload_and_the_old_one_no_more(
    broker: Guarded, client: Connect
) -> None:
    old = broker.issue("lock-1")
    broker.configure()
    broker.start()
    new = broker.issue("lock-1")
    assert broker.configure()["needs"] == "reload"
    broker.reload()
    assert client("lock-1", old).refused == REFUSED
    assert client("lock-1", new).refused is None


def test_a_mount_point_binds_a_gate_whose_topics_are_fixed(
    broker: Guarded, client: Connect, ingest: Callable[[], Client], devices: dict[str, int]
) -> None:
    passwords = {code: broker.issue(code) for code in ("gate-1", "lock-1")}
    broker.configure("--mount", "gate-1")
    broker.start()
    listener = ingest()
    port = broker.mounts_from + devices["gate-1"]
    gate = client("gate-1", passwords["gate-1"], port)
    gate.subscribe("mqtt/face/1234567")
    assert gate.publish("mqtt/face/basic", "from the gate") == "Success"
    assert listener.publish("gw/gate-1/mqtt/face/1234567", "for the gate") == "Success"
    wait_until(lambda: gate.inbox)
    # 2.0.11 leaves the prefix on what it delivers, 2.0.12 takes it off (eclipse-mosquitto/mosquitto #2244).
    front = "gw/gate-1/" if version() < (2, 0, 12) else ""
    assert gate.inbox == [(f"{front}mqtt/face/1234567", b"for the gate")]
    # The rules are asked for the whole topic: who is not the gate may do nothing on its port, and the gate
    # nothing outside its prefix.
    other = client("lock-1", passwords["lock-1"], port)
    other.subscribe("#")
    assert other.publish("mqtt/face/basic", "forged") == REFUSED
    assert other.publish("hm/v1/lock-1/up/m", "lost") == REFUSED
    assert listener.publish("gw/gate-1/mqtt/face/1234567", "again") == "Success"
    wait_until(lambda: len(gate.inbox) == 2)
    assert not other.inbox
    assert [m for m in listener.inbox if m[1] in (b"forged", b"lost")] == []
    assert listener.inbox[0] == ("gw/gate-1/mqtt/face/basic", b"from the gate")


def test_a_message_that_is_too_large_ends_the_connection_on_every_listener(
    broker: Guarded, client: Connect, ingest: Callable[[], Client], devices: dict[str, int]
) -> None:
    passwords = {code: broker.issue(code) for code in ("gate-1", "lock-1")}
    broker.configure("--mount", "gate-1", "--largest-packet", "20000")
    broker.start()
    listener = ingest()
    for old in (False, True):
        lock = client("lock-1", passwords["lock-1"], old=old)
        assert lock.publish("hm/v1/lock-1/up/m", "x" * 19_000) == "Success"
        assert lock.publish("hm/v1/lock-1/up/m", "x" * 20_000) == "connection ended"
        gate = client("gate-1", passwords["gate-1"], broker.mounts_from + devices["gate-1"], old=old)
        assert gate.publish("mqtt/face/basic", "x" * 20_000) == "connection ended"
    heard(listener, "hm/v1/lock-1/up/m", "hm/v1/lock-1/up/m")


def test_nobody_takes_over_the_session_of_ingest_by_its_id(
    broker: Guarded, client: Connect, ingest: Callable[[], Client]
) -> None:
    password = broker.issue("lock-1")
    broker.configure()
    broker.start()
    listener = ingest()
    thief = client("lock-1", password, client_id="ingest-0")
    assert thief.publish("hm/v1/lock-1/up/m") == "Success"
    heard(listener, "hm/v1/lock-1/up/m")
    assert not listener.ended


def test_services_do_their_own_work_and_no_more(broker: Guarded, client: Connect) -> None:
    broker.configure()
    broker.start()
    monitor = client("monitor", broker.secret("monitor"), broker.inner)
    settle = client("settle", broker.secret("settle"), broker.inner)
    for service in (monitor, settle):
        service.subscribe("$SYS/broker/uptime")
        service.subscribe("#")
    wait_until(lambda: monitor.inbox, what="the broker's uptime has come")
    assert settle.publish("hm/v1/~settle/up/m") == "Success"
    assert settle.publish("hm/v1/lock-1/down/cmd") == REFUSED
    assert monitor.publish("hm/v1/lock-1/up/m") == REFUSED
    assert {topic for topic, _ in monitor.inbox} == {"$SYS/broker/uptime"}
    assert not settle.inbox


def test_the_health_check_needs_no_more_than_its_file(broker: Guarded) -> None:
    broker.configure()
    broker.start()
    said = subprocess.run(
        [tool("mosquitto_sub"), "-t", "$SYS/broker/uptime", "-C", "1", "-W", "10"],
        env={"XDG_CONFIG_HOME": str(broker.folder / "monitor")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert "seconds" in said.stdout


def test_running_it_twice_changes_nothing(broker: Guarded) -> None:
    broker.issue("lock-1")
    broker.issue("gate-1")
    assert broker.configure("--mount", "gate-1")["needs"] == "restart"
    first = {f: f.read_bytes() for f in broker.folder.rglob("*") if f.is_file()}
    said = broker.configure("--mount", "gate-1")
    assert (said["changed"], said["needs"]) == ([], "nothing")
    assert first == {f: f.read_bytes() for f in broker.folder.rglob("*") if f.is_file()}


def test_secrets_are_for_their_owner_s_eyes_only(broker: Guarded) -> None:
    broker.issue("lock-1")
    broker.configure()
    modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in broker.folder.rglob("*") if f.is_file()}
    assert modes.pop("mosquitto.conf") == 0o644
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "need TLS"),
        (("--plain",), "loopback"),
        (("--plain", "--host", "0.0.0.0"), "loopback"),
        (("--tls-cert", "a", "--tls-key", "b", "--login", "certificate"), "--client-ca"),
        (("--plain", "--host", HOST, "--login", "certificate"), "neither"),
        (("--plain", "--host", HOST, "--mounts-plain"), "--mounts-host"),
        (("--plain", "--host", HOST, "--mount", "lock-9"), "lock-9"),
    ],
)
def test_what_would_be_open_is_refused(
    options: tuple[str, ...], said: str, dsn: str, tmp_path: Path, devices: dict[str, int]
) -> None:
    given = ["broker", "config", "--out", str(tmp_path / "b"), *options]
    with pytest.raises(BrokerPlanInvalid, match=said):
        CliRunner().invoke(cli.app, given, env={"ANJU_DATABASE_URL": dsn}, catch_exceptions=False)


@pytest.mark.parametrize("name", ["", "bad name!", "-a", "a..b", "x" * 65])
def test_a_certificate_is_for_a_host_or_an_address(tmp_path: Path, name: str) -> None:
    reply = CliRunner().invoke(cli.app, ["broker", "ca", "--out", str(tmp_path / "ca"), "--server", name])
    assert isinstance(reply.exception, BrokerPlanInvalid)
    assert not (tmp_path / "ca").exists()


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for out in (str(file), "/proc/x"):
        reply = CliRunner().invoke(cli.app, ["broker", "ca", "--out", out, "--server", "localhost"])
        assert isinstance(reply.exception, AnjuError)
        plan = ["--host", "127.0.0.1", "--plain", "--port", "2883"]
        reply = CliRunner().invoke(cli.app, ["broker", "config", "--out", out, *plan])
        assert isinstance(reply.exception, AnjuError)


def test_devices_and_anju_need_a_port_each(tmp_path: Path) -> None:
    plan = ["--host", "127.0.0.1", "--plain", "--port", "1883"]
    reply = CliRunner().invoke(cli.app, ["broker", "config", "--out", str(tmp_path), *plan])
    assert isinstance(reply.exception, BrokerPlanInvalid)


@pytest.mark.parametrize("status", ["active", "retired"])
def test_a_device_that_is_called_like_a_service_silences_nobody(
    broker: Guarded,
    client: Connect,
    ingest: Callable[[], Client],
    connection: Connection,
    devices: dict[str, int],
    status: str,
) -> None:
    password = broker.issue("lock-1")
    broker.issue("lock-2")
    connection.execute(  # as an earlier version let it in: with a password that was taken back
        "INSERT INTO device (code, profile, serial, estate_id, status)"
        " SELECT unnest(%s::text[]), profile, '', estate_id, %s FROM device WHERE id = %s",
        (list(SERVICES), status, devices["lock-1"]),
    )
    connection.execute(
        "INSERT INTO credential (device_id, kind, hash, issued_at, issued_by, revoked_at)"
        " SELECT id, 'password', 'x', %(now)s, 'test', CASE code WHEN 'ingest' THEN NULL ELSE %(now)s END"
        " FROM device WHERE code = ANY (%(codes)s)",
        {"now": NOW, "codes": list(SERVICES)},
    )
    with pytest.raises(ReservedDeviceCode, match="ingest"):
        credentials.issue(connection, code="ingest", kind="password", by="system:test", now=NOW)
    credentials.revoke(connection, code="lock-2", kind="password", by="system:test", now=NOW)
    connection.commit()
    broker.configure()
    assert [f"a device is called {name}" in broker.warned for name in SERVICES] == [status == "active"] * 3
    access = (broker.folder / "acl").read_text().splitlines()
    assert [access.count(f"user {name}") for name in (*SERVICES, "lock-2")] == [1, 1, 1, 1]
    broker.start()
    listener = ingest()
    assert client("lock-1", password).publish("hm/v1/lock-1/up/m") == "Success"
    heard(listener, "hm/v1/lock-1/up/m")
