"""Passwords: argon2id, the same work for a name that nobody has, bounded under a flood."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.rules import LoginRules

_STRIPES = 64


class TooManyAtOnce(Exception):
    """More log-ins wait than this process takes."""


class Passwords:
    """Hashes and verifies under the rules of this deployment."""

    def __init__(self, rules: LoginRules) -> None:
        self._hasher = PasswordHasher(
            time_cost=rules.hash_time, memory_cost=rules.hash_memory_kib, parallelism=rules.hash_lanes
        )
        self._at_once = BoundedSemaphore(rules.verify_at_once)
        self._waiting = BoundedSemaphore(rules.wait_at_most)
        self._names = tuple(Lock() for _ in range(_STRIPES))
        # What an unknown name is verified against, so that it takes as long as a known one.
        self._nobody = self._hasher.hash("nobody's password")

    @contextmanager
    def attempt(self, name_hash: bytes) -> Iterator[None]:
        """One attempt a name at a time, so that many at once cannot slip through the count of failures.

        Raises
        ------
        TooManyAtOnce
            Too many wait already: the threads are needed for other requests.
        """
        if not self._waiting.acquire(blocking=False):
            raise TooManyAtOnce
        try:
            with self._names[name_hash[0] % _STRIPES]:
                yield
        finally:
            self._waiting.release()

    def hash(self, password: str) -> str:
        """The encoded hash to store."""
        with self._at_once:
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; `stored` is None for an unknown name, which never fits."""
        with self._at_once:
            try:
                self._hasher.verify(stored or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made under other rules and should be made anew."""
        return self._hasher.check_needs_rehash(stored)
