"""Wait for a condition instead of sleeping for a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

_PAUSE_S = 0.02

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, within_s: float = 10.0, what: str = "") -> T:
    """Ask `condition` until it answers something true, and return that.

    Raises
    ------
    AssertionError
        It did not within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or condition}")
        time.sleep(_PAUSE_S)
    return answer
