"""The process in which scripts run, started by `devices.codecs.runner` as a file: it imports nothing of ours.

Before it reads anything it gives up what it has: no environment, no folder of its own, no file it could open
or write, no process it could start, no network where the kernel lets it leave that, no privilege it could
regain; where the processor is known, the kernel refuses it everything but memory, time and its two pipes.
Each script runs in an engine of its own, so that nothing stays behind for the next message.

Requests and replies are JSON after four bytes of length.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from typing import Any

import quickjs  # pyright: ignore[reportMissingTypeStubs]

MEMORY_BYTES = 256 * 1024 * 1024
SCRIPT_MEMORY_BYTES = 32 * 1024 * 1024
SCRIPT_STACK_BYTES = 256 * 1024
#: Of what a script made of one message, as JSON.
OUTPUT_BYTES = 256 * 1024
_ERROR_CHARACTERS = 200

_NOBODY = 65_534
_NEW_NETWORK, _NEW_IPC, _NEW_USER = 0x40000000, 0x08000000, 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

# All that is asked of the kernel from then on, by number, and what the machine is called in a filter:
# read write exit exit_group, memory (mmap munmap mremap mprotect madvise brk), time, randomness, signals of
# its own, futex sched_yield getpid getrusage.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (0, 1, 60, 231, 9, 11, 25, 10, 28, 12, 228, 96, 201, 318, 13, 14, 15, 131, 202, 24, 39, 98),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 93, 94, 222, 215, 216, 226, 233, 214, 113, 169, 278, 134, 135, 139, 132, 98, 124, 172, 165),
    ),
}
_SECCOMP_FILTER, _ALLOW, _REFUSE = 2, 0x7FFF0000, 0x00050001  # refused: EPERM
_LOAD, _IS, _RETURN = 0x20, 0x15, 0x06

# The script's own globals may be anything by now; what matters is that text comes out.
_CALL = """
(function (request) {
  var input = JSON.parse(request);
  input.recvTime = new Date(input.recvTime);
  var found = decodeUplink(input);
  if (found === null || typeof found !== "object") throw new Error("decodeUplink gave no object");
  if (found.errors && found.errors.length) throw new Error(String(found.errors[0]));
  return JSON.stringify(found.data === undefined ? null : found.data);
})
"""


def give_up() -> dict[str, bool]:
    """Give up everything; says what the kernel did not allow."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    is_root = os.geteuid() == 0
    spaces = _NEW_NETWORK | _NEW_IPC
    alone = libc.unshare(spaces if is_root else spaces | _NEW_USER) == 0
    nobody = not is_root
    if is_root:
        try:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            nobody = True
        except OSError:
            nobody = False
    libc.prctl(_PR_SET_DUMPABLE, 0)
    fixed = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))
    return {"network": alone, "user": nobody, "privileges": fixed, "calls": _only_these_calls(libc)}


def _only_these_calls(libc: ctypes.CDLL) -> bool:
    """Have the kernel refuse every other call, whatever becomes of this process."""
    known = _CALLS.get(os.uname().machine)
    if known is None:
        return False
    machine, calls = known
    steps = [(_LOAD, 0, 0, 4), (_IS, 1, 0, machine), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, 0)]
    for number in calls:
        steps += [(_IS, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    packed = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = ctypes.create_string_buffer(packed, len(packed))
    head = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.c_char_p(head), 0, 0) == 0


def decode(request: dict[str, Any]) -> dict[str, str]:
    """Run one script on one message."""
    engine = quickjs.Context()
    engine.set_memory_limit(SCRIPT_MEMORY_BYTES)
    engine.set_max_stack_size(SCRIPT_STACK_BYTES)
    engine.set_time_limit(request["seconds"])
    try:
        engine.eval(request["script"])
        found = engine.eval(_CALL)(json.dumps(request["input"]))
    except quickjs.JSException as error:
        return {"error": str(error).partition("\n")[0][:_ERROR_CHARACTERS]}
    except (MemoryError, RecursionError, UnicodeError, ValueError) as error:
        return {"error": type(error).__name__}
    if not isinstance(found, str):
        return {"error": "decodeUplink gave no data"}
    if len(found) > OUTPUT_BYTES:
        return {"error": f"more than {OUTPUT_BYTES} characters"}
    return {"data": found}


def main() -> None:
    """Answer requests until there are no more."""
    gone = give_up()
    _send({"ready": gone})
    while (head := _read(4)) is not None:
        body = _read(struct.unpack(">I", head)[0])
        if body is None:
            return
        _send(decode(json.loads(body)))


def _read(size: int) -> bytes | None:
    found = b""
    while len(found) < size:
        part = os.read(0, size - len(found))
        if not part:
            return None
        found += part
    return found


def _send(reply: dict[str, Any]) -> None:
    body = json.dumps(reply).encode()
    left = memoryview(struct.pack(">I", len(body)) + body)
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    try:
        main()
    except (MemoryError, BrokenPipeError):
        sys.exit(1)
