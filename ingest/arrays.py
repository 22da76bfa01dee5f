"""Arrays as PostgreSQL writes them in text: a driver's own take several times as long."""

from collections.abc import Iterable


def integers(values: Iterable[int | None]) -> str:
    """An array of integers."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def multiranges(values: Iterable[str]) -> str:
    """An array of multiranges, each in text."""
    return "{" + ",".join([f'"{value}"' for value in values]) + "}"
