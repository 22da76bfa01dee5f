"""Rows that no meter would send: small numbers that fall as often as they rise, at doubtful times."""

from random import Random

from hypothesis import strategies as st

from tests.unit.usage.oracle import (
    ARRIVAL,
    CLOCK_SUSPECT,
    CONFLICT,
    DAY,
    HOUR,
    IMPORTED,
    MINUTE,
    SOFT,
    UNPROVEN,
    Row,
)

START = 20_000 * DAY
_FLAGS = (CLOCK_SUSPECT, CONFLICT, UNPROVEN, IMPORTED, SOFT, ARRIVAL)


def strange_rows(*, most: int = 60) -> st.SearchStrategy[list[Row]]:
    """Up to `most` rows of two devices, dense or sparse.

    All follows from a seed: drawn one by one, numbers are mostly small and lists mostly short.
    """
    return st.integers(0, 2**64).map(lambda seed: _rows(Random(seed), most))


def _rows(rng: Random, most: int) -> list[Row]:
    count = rng.randint(1, most)
    step = rng.choice((5, 10, 20, 35)) * MINUTE
    spread = rng.choice((2.0, 3.0, 8.0, 30.0))
    trust = rng.choice((0.5, 0.9, 1.0))
    largest = rng.choice((3, 40))
    register, rows = 0, list[Row]()
    for _ in range(count):
        register += rng.randrange(largest)
        rows.append(
            Row(
                device=1 if rng.random() < 0.9 else 2,
                time=START + int((rng.randrange(count) + rng.random() / 9) * spread) * step,
                received=START + rng.randrange(90) * HOUR,
                value=rng.choice((register, register, rng.randrange(40), rng.randrange(85, 101))),
                quality=0 if rng.random() < trust else rng.choice(_FLAGS),
            )
        )
    return _mostly_sorted(rng, rows)


def _mostly_sorted(rng: Random, rows: list[Row]) -> list[Row]:
    """Values in the order of time, so that registers also rise."""
    if rng.random() < 0.3:
        return rows
    times = sorted(row.time for row in rows)
    return [Row(**{**vars(row), "time": time}) for row, time in zip(rows, times, strict=True)]
