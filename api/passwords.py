"""Passwords: argon2id, the same work for a name that nobody has."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.rules import LoginRules


class Passwords:
    """Hashes and verifies under the rules of this deployment."""

    def __init__(self, rules: LoginRules) -> None:
        self._hasher = PasswordHasher(
            time_cost=rules.hash_time, memory_cost=rules.hash_memory_kib, parallelism=rules.hash_lanes
        )
        self._turn = BoundedSemaphore(rules.verify_at_once)
        # What an unknown name is verified against, so that it takes as long as a known one.
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """The encoded hash to store."""
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; `stored` is None for an unknown name, which never fits."""
        with self._turn:
            try:
                self._hasher.verify(stored or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made under other rules and should be made anew."""
        return self._hasher.check_needs_rehash(stored)
