"""Tie a child process to the life of its parent, so that kill -9 of the parent leaves no orphan."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied(by: signal.Signals) -> Callable[[], None] | None:
    """Make the `preexec_fn` of a child that shall get the signal `by` when its parent dies.

    The kernel watches the *thread* that started the child: start it from one that lives as long as the
    process. Elsewhere than on Linux there is no such tie, and None is returned.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
        if os.getppid() != parent:  # died between fork and prctl
            os._exit(1)

    return tie
