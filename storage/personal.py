"""Personal columns: encrypted at rest, found by keyed hash.

AES-256-GCM with a random nonce; the column's name is authenticated, so a value cannot be moved into
another column. The hash (HMAC-SHA-256 under its own derived key) finds an exact value, e.g. an ID
number, without opening any row. (PIPL Art. 51: encryption, de-identification.)
"""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import BoxDamaged, KeyUnreadable

_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class PersonalKey:
    """The key of one deployment's personal columns."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < _KEY_BYTES:
            raise KeyUnreadable
        self._box = AESGCM(_derived(secret, b"anju personal columns"))
        self._hash_key = _derived(secret, b"anju personal hashes")

    def seal(self, text: str, *, column: str) -> bytes:
        """Encrypt for one column, named ``table.column``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._box.encrypt(nonce, text.encode(), column.encode())

    def open(self, box: bytes, *, column: str) -> str:
        """Decrypt what `seal` made for the same column.

        Raises
        ------
        BoxDamaged
            Wrong key, wrong column, or altered bytes.
        """
        nonce, sealed = box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :]
        if box[:1] != _VERSION:
            raise BoxDamaged
        try:
            return self._box.decrypt(nonce, sealed, column.encode()).decode()
        except InvalidTag as error:
            raise BoxDamaged from error

    def hash(self, text: str) -> bytes:
        """Keyed hash of an exact value; 32 bytes."""
        return hmac.digest(self._hash_key, text.strip().upper().encode(), hashlib.sha256)


def read_key(file: Path) -> PersonalKey:
    """Read the key file.

    Raises
    ------
    KeyUnreadable
        Missing, shorter than 32 bytes, or readable by group or others.
    """
    try:
        mode = file.stat().st_mode
        secret = file.read_bytes()
    except OSError as error:
        raise KeyUnreadable(f"cannot read the key file {file}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyUnreadable(f"the key file {file} is open to others: chmod 600 {file}")
    return PersonalKey(secret)


def ensure_key(file: Path) -> PersonalKey:
    """Read the key file, making one first where there is none (embedded stack, demo)."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(_KEY_BYTES))
    return read_key(file)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(secret)
