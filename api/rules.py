"""The settings of logging in, read from `login.toml`."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from importlib import resources

from policy.periods import parse_span


class LoginRulesRefused(ValueError):
    """The settings of logging in are wrong."""


@dataclass(frozen=True, kw_only=True)
class LoginRules:
    """How people and programs log in; each field is a key of `login.toml`, explained there."""

    failures_free: int
    wait_first: timedelta
    wait_longest: timedelta
    forget_after: timedelta
    session: timedelta
    token: timedelta
    password_min: int
    hash_time: int
    hash_memory_kib: int
    hash_lanes: int
    verify_at_once: int
    wait_at_most: int
    receiver_failures: int
    receiver_window: timedelta


def load_login_rules() -> LoginRules:
    """Read and check the file of this package.

    Raises
    ------
    LoginRulesRefused
        Naming the key.
    """
    return parse_login_rules(resources.files("api").joinpath("login.toml").read_text(encoding="utf-8"))


def parse_login_rules(text: str) -> LoginRules:
    """Read and check the settings.

    Raises
    ------
    LoginRulesRefused
        Naming the key.
    """
    content: Mapping[str, object] = tomllib.loads(text)
    known = {field.name: field.type for field in fields(LoginRules)}
    odd = sorted(set(content) ^ set(known))
    if odd:
        raise LoginRulesRefused(f"login.toml: {odd[0]} is missing or unknown")
    values = {name: _reader(kind)(name, content[name]) for name, kind in known.items()}
    return LoginRules(**values)  # pyright: ignore[reportArgumentType]


def _reader(kind: object) -> Callable[[str, object], int | timedelta]:
    return _span if kind is timedelta else _count


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise LoginRulesRefused(f"login.toml: {name} must be a whole number above 0")
    return value


def _span(name: str, value: object) -> timedelta:
    try:
        found = parse_span(str(value))
    except ValueError as error:
        raise LoginRulesRefused(f"login.toml: {name}: {error}") from error
    if not found:
        raise LoginRulesRefused(f"login.toml: {name} must be longer than nothing")
    return found
