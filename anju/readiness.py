"""How a child process of `anju up` says that it is at work: one byte on a pipe it inherits."""

import os
from collections.abc import MutableMapping

VARIABLE = "ANJU_READY_FD"


def announce(environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell whoever started us; nothing happens when nobody asked, or the second time."""
    descriptor = environment.pop(VARIABLE, None)
    if descriptor is not None:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
