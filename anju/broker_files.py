"""The folder of the broker's files: written when they say something new, readable by whom they concern."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from anju.authority import same_revocations, write_key
from anju.errors import AnjuError
from devices.credentials import hash_secret

_SECRET_BYTES = 24
_SALT_BYTES = 12


class BrokerFiles:
    """Files of a folder, written when they say something new."""

    def __init__(self, folder: Path, owner: str | None) -> None:
        self._folder = folder
        self._owner = owner
        #: Those of the broker that changed.
        self.changed: set[str] = set()

    def put(
        self, name: str, content: bytes, *, mode: int = 0o600, owned: bool = True, told: bool = True
    ) -> None:
        """Write a file in one step, unless it says this already.

        Parameters
        ----------
        owned : bool
            It must be read under the broker's account.
        told : bool
            The broker itself reads it, and must be told.
        """
        file = self._folder / name
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            half = file.with_name(f".{file.name}.new")
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with open(descriptor, "wb") as opened:
                opened.write(content)
            half.chmod(mode)
            half.replace(file)
            if told:
                self.changed.add(name)
        if self._owner is not None and owned:
            try:
                shutil.chown(file, self._owner)
            except (LookupError, PermissionError) as error:
                raise AnjuError(f"cannot give {file} to {self._owner}: {error}") from error

    def put_revocations(self, name: str, content: bytes) -> None:
        """Write a list of revoked certificates unless the one that is there says the same."""
        file = self._folder / name
        there = file.read_bytes() if file.exists() else b""
        self.put(name, there if same_revocations(there, content) else content)


def secret(file: Path) -> str:
    """The secret in a file, which is made when there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_key(file, f"{secrets.token_urlsafe(_SECRET_BYTES)}\n".encode())
    return file.read_text(encoding="utf-8").strip()


def hashed(services: Mapping[str, str]) -> list[tuple[str, str]]:
    """Hashes that are the same each time: the salt of a random secret may come from the secret."""
    salts = {name: hashlib.sha256(word.encode()).digest()[:_SALT_BYTES] for name, word in services.items()}
    return [(name, hash_secret(word, salt=salts[name])) for name, word in services.items()]
