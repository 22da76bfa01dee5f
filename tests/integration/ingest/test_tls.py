"""Ingest logs in over TLS, and a wrong password or an unknown authority keeps it out."""

import gc
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anju.embedded.ports import HOST, answers, free_port
from anju.embedded.tether import tied
from tests.conftest import tool
from tests.integration.ingest.conftest import Rows, Site, reading
from tests.integration.ingest.wires import listening, serving, take
from tests.waiting import wait_until

USER, PASSWORD = "ingest", "p@ss:word/1"
_CONF = """\
user root
allow_anonymous false
password_file {folder}/passwords
max_inflight_messages 4000
listener {port} 127.0.0.1
certfile {folder}/broker.pem
keyfile {folder}/broker.key
"""


class SafeBroker:
    """A mosquitto that speaks TLS and wants a password."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "broker.pem"
        self.port = free_port()
        _make_certificate(folder)
        passwords = folder / "passwords"
        subprocess.run(
            [tool("mosquitto_passwd"), "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True
        )
        config = folder / "mosquitto.conf"
        config.write_text(_CONF.format(folder=folder, port=self.port))
        self.process = subprocess.Popen(
            [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=tied(signal.SIGTERM),  # noqa: PLW1509 - calls prctl only
        )
        wait_until(lambda: answers(self.port), what="mosquitto listens")

    def url(self, *, password: str = "p%40ss%3Aword%2F1", ca: str | None = None) -> str:
        return f"mqtts://{USER}:{password}@{HOST}:{self.port}" + (f"?ca={ca}" if ca else "")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def safe(tmp_path: Path) -> Iterator[SafeBroker]:
    tool("mosquitto", also="/usr/sbin")
    started = SafeBroker(tmp_path)
    yield started
    started.stop()


def _publish(safe: SafeBroker, count: int, *, size: int = 0) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set(USER, PASSWORD)
    client.tls_set(str(safe.ca))
    client.connect(HOST, safe.port)
    client.loop_start()
    for n in range(count):
        message = reading(n, at=f"2026-11-24T08:{n // 60:02}:{n % 60:02}Z", seq=n)
        client.publish(message.topic, message.payload + b" " * size, 1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_over_tls_and_with_a_password_messages_are_stored(
    safe: SafeBroker, dsn: str, site: Site, rows: Rows
) -> None:
    with serving(safe.url(ca=str(safe.ca)), dsn):
        _publish(safe, 300)
        wait_until(lambda: rows("SELECT count(*) FROM reading") == [(300,)])


def test_messages_larger_than_a_record_of_tls_come_whole(safe: SafeBroker) -> None:
    with listening(safe.url(ca=str(safe.ca))) as client:
        _publish(safe, 20, size=100_000)
        assert [len(m.payload) > 100_000 for m in take(client, 20)] == [True] * 20


def test_a_wrong_password_is_said_and_waited_out(safe: SafeBroker, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AssertionError), listening(safe.url(password="wrong", ca=str(safe.ca)), within_s=1):
        pass
    assert "the broker refuses us" in caplog.text
    assert "wrong" not in caplog.text


def test_a_broker_of_an_unknown_authority_is_not_talked_to(
    safe: SafeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AssertionError), listening(safe.url(), within_s=1):
        pass
    gc.collect()
    assert "no broker" in caplog.text


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "broker.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
