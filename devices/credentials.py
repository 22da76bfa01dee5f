"""What a device proves itself by: a password, a secret of an HTTP sender, a certificate.

A secret is made here, shown once and kept as a hash: 192 random bits, which nobody guesses, so the hash
needs no slowness. It has mosquitto's own form (`$7$`, PBKDF2 with SHA-512), so that the broker's password
file can be written from the table. Of a certificate its fingerprint and serial number are kept.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Literal, NamedTuple

from devices.errors import ReservedDeviceCode, RetiredDevice, UnknownDevice
from storage import audit
from storage.pool import Connection
from storage.queries import load
from wire.envelope import SERVICES

Kind = Literal["password", "certificate", "http"]
#: The kinds of which the device holds a secret that was made here.
SecretKind = Literal["password", "http"]

_SQL = load("devices", "credentials.sql")
_SECRET_BYTES = 24
#: What `mosquitto_passwd` writes.
_ITERATIONS, _SALT_BYTES = 101, 12
#: Held against the secret of a stranger, so that he waits as long as anybody.
_NOBODY = f"$7${_ITERATIONS}${b64encode(bytes(_SALT_BYTES)).decode()}${b64encode(bytes(64)).decode()}"


class Revoked(NamedTuple):
    """A certificate that must not be taken any more."""

    serial: int
    at: datetime


def issue(connection: Connection, *, code: str, kind: SecretKind, by: str, now: datetime) -> str:
    """Make a device a secret and revoke the one it had; returns the secret, which nobody sees again.

    Raises
    ------
    UnknownDevice, RetiredDevice, ReservedDeviceCode
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    _put(connection, code=code, kind=kind, hashed=hash_secret(secret), serial=None, by=by, now=now)
    return secret


def certify(
    connection: Connection, *, code: str, fingerprint: str, serial: int, by: str, now: datetime
) -> None:
    """Enter the certificate a device was given, and revoke the one it had.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of the certificate, in hexadecimal.

    Raises
    ------
    UnknownDevice, RetiredDevice, ReservedDeviceCode
    """
    _put(connection, code=code, kind="certificate", hashed=fingerprint, serial=serial, by=by, now=now)


def revoke(connection: Connection, *, code: str, kind: Kind, by: str, now: datetime) -> bool:
    """Take a device's credential out of force; False if it has none.

    Raises
    ------
    UnknownDevice
    """
    device_id, _ = _device(connection, code)
    row = connection.execute(_SQL["revoke"], {"device_id": device_id, "kind": kind, "now": now}).fetchone()
    if row is not None:
        _record(connection, "credential.revoke", code, kind, by=by, now=now)
    return row is not None


def verify(connection: Connection, *, code: str, kind: SecretKind, secret: str) -> bool:
    """Whether this is the secret in force of an active device; strangers wait as long as others."""
    row = connection.execute(_SQL["hash"], {"code": code, "kind": kind}).fetchone()
    matches = _matches(secret, _NOBODY if row is None else row[0])
    return matches and row is not None


def password_hashes(connection: Connection) -> list[tuple[str, str]]:
    """Code and hash of every device that logs in with a password, as mosquitto's password file has them.

    None of a device that is called as a service of ours is.
    """
    return connection.execute(_SQL["in_force"], {"kind": "password", "services": list(SERVICES)}).fetchall()


def revoked_certificates(connection: Connection) -> list[Revoked]:
    """Certificates that were replaced or revoked, those of retired devices, and those in a service's name."""
    rows = connection.execute(_SQL["revoked_certificates"], {"services": list(SERVICES)}).fetchall()
    return [Revoked(int(serial, 16), at) for serial, at in rows]


def shut_out(connection: Connection) -> list[str]:
    """Codes of the devices that may not log in to the broker any more; never a name of ours."""
    return [code for (code,) in connection.execute(_SQL["shut_out"], {"services": list(SERVICES)})]


def hash_secret(secret: str, *, salt: bytes | None = None) -> str:
    """Hash a secret as mosquitto does."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def _matches(secret: str, hashed: str) -> bool:
    _, _, iterations, salt, digest = hashed.split("$")
    found = hashlib.pbkdf2_hmac("sha512", secret.encode(), b64decode(salt), int(iterations))
    return hmac.compare_digest(found, b64decode(digest))


def _put(
    connection: Connection,
    *,
    code: str,
    kind: Kind,
    hashed: str,
    serial: int | None,
    by: str,
    now: datetime,
) -> None:
    if code in SERVICES:
        raise ReservedDeviceCode(
            f"{code} is the name of a service of ours at the broker: register the device under another code"
        )
    device_id, active = _device(connection, code)
    if not active:
        raise RetiredDevice(f"{code} is retired")
    connection.execute(_SQL["revoke"], {"device_id": device_id, "kind": kind, "now": now})
    connection.execute(
        _SQL["issue"],
        {
            "device_id": device_id,
            "kind": kind,
            "hash": hashed,
            "serial": None if serial is None else f"{serial:x}",
            "now": now,
            "by": by,
        },
    )
    _record(connection, "credential.issue", code, kind, by=by, now=now)


def _device(connection: Connection, code: str) -> tuple[int, bool]:
    # The row is locked, so that two who issue at once do so one after the other.
    row = connection.execute(_SQL["device"], {"code": code}).fetchone()
    if row is None:
        raise UnknownDevice(f"no such device: {code}")
    return row


def _record(connection: Connection, action: str, code: str, kind: Kind, *, by: str, now: datetime) -> None:
    audit.record(connection, at=now, actor=by, action=action, subject=f"device:{code}", detail={"kind": kind})
