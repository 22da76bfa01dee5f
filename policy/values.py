"""Readers of single policy values: each checks type and bounds and says what it wants."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import isfinite
from typing import TypeVar, cast

from policy.periods import Period, parse_period, parse_span

N = TypeVar("N", int, float)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Soft and hard limits of one channel: between them a value is kept and flagged."""

    #: Below it the value is refused.
    hard_min: float
    soft_min: float
    soft_max: float
    #: Above it the value is refused.
    hard_max: float
    #: The most that one home can use in an hour, for registers and intervals; None for gauges.
    step_per_h: float | None = None


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{value!r} is not a whole number")  # noqa: TRY004
        return _within(value, low, high)

    return read


def number(low: float, high: float) -> Callable[[object], float]:
    """A number from `low` to `high`."""

    def read(value: object) -> float:
        return _within(_number(value), low, high)

    return read


def share() -> Callable[[object], float]:
    """A number from 0 to 1."""
    return number(0.0, 1.0)


def period(low: Period, high: Period) -> Callable[[object], Period]:
    """A calendar duration from `low` to `high`, a month taken as 30 days."""

    def read(value: object) -> Period:
        found = parse_period(_text(value))
        size = found.months * 30 + found.days
        if not low.months * 30 + low.days <= size <= high.months * 30 + high.days:
            raise ValueError(f"{found} is not between {low} and {high}")
        return found

    return read


def span(low: timedelta, high: timedelta) -> Callable[[object], timedelta]:
    """A duration of clock time from `low` to `high`."""

    def read(value: object) -> timedelta:
        found = parse_span(_text(value))
        if not low <= found <= high:
            raise ValueError(f"{value!r} is not between {low} and {high}")
        return found

    return read


def day(low: date, high: date) -> Callable[[object], date]:
    """A calendar day from `low` to `high`."""

    def read(value: object) -> date:
        if isinstance(value, datetime) or not isinstance(value, date):
            raise ValueError(f"{value!r} is not a date such as 2012-07-15")  # noqa: TRY004
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")
        return value

    return read


def steps(low: int, high: int) -> Callable[[object], tuple[int, ...]]:
    """Whole numbers that rise, e.g. days at which to warn."""
    one = whole(low, high)

    def read(value: object) -> tuple[int, ...]:
        found = tuple(one(item) for item in _items(value))
        if not found or list(found) != sorted(set(found)):
            raise ValueError(f"{value!r} are not numbers that rise")
        return found

    return read


def shares(count: int) -> Callable[[object], tuple[float, ...]]:
    """So many numbers from 0 to 1, e.g. one an hour of the day."""
    one = share()

    def read(value: object) -> tuple[float, ...]:
        found = tuple(one(item) for item in _items(value))
        if len(found) != count:
            raise ValueError(f"{len(found)} numbers where {count} are wanted")
        return found

    return read


def limits(value: object) -> Limits:
    """A table of soft and hard limits; ``hard_min <= soft_min <= soft_max <= hard_max``."""
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is not a table of limits")  # noqa: TRY004
    table = cast(dict[str, object], value)
    needed = ("hard_min", "soft_min", "soft_max", "hard_max")
    odd = sorted(set(table) - {*needed, "step_per_h"})
    missing = [name for name in needed if name not in table]
    if odd or missing:
        problem = f"does not know {', '.join(odd)}" if odd else f"lacks {', '.join(missing)}"
        raise ValueError(f"the table of limits {problem}")
    hard_min, soft_min, soft_max, hard_max = (_number(table[name]) for name in needed)
    if not hard_min <= soft_min <= soft_max <= hard_max:
        raise ValueError("limits must rise: hard_min <= soft_min <= soft_max <= hard_max")
    step = None if "step_per_h" not in table else _number(table["step_per_h"])
    if step is not None and step <= 0:
        raise ValueError("step_per_h must be above 0")
    return Limits(hard_min=hard_min, soft_min=soft_min, soft_max=soft_max, hard_max=hard_max, step_per_h=step)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration in quotes")  # noqa: TRY004
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list")  # noqa: TRY004
    return cast(list[object], value)


def _within(value: N, low: N, high: N) -> N:
    if not low <= value <= high:
        raise ValueError(f"{value} is not between {low} and {high}")
    return value
