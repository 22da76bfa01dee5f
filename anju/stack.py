"""What runs in a data directory: `run/stack.json`, and the lock that lets one stack run there."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from anju.errors import StackDown, StackRunning
from anju.settings import Settings

#: What the embedded broker's topics prove: it listens on loopback only.
EMBEDDED_BOUND = ("hm/v1/+/#", "gw/+/#")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The addresses and process ids of a running stack; the keys of its JSON."""

    http: str
    #: MQTT 5.
    mqtt: str
    mqtt311: str
    dsn: str
    #: By process; None: a server that is not ours.
    pids: dict[str, int | None] = field(default_factory=dict)

    def shown(self) -> "Stack":
        """The same without passwords, for output."""
        return replace(
            self, dsn=_without_password(self.dsn), mqtt=_without_password(self.mqtt),
            mqtt311=_without_password(self.mqtt311),
        )  # fmt: skip


def write(stack: Stack, data_dir: Path) -> None:
    """Write `run/stack.json` in one step, for its owner alone."""
    file = _file(data_dir)
    half = file.with_suffix(".new")
    half.touch(mode=0o600)
    half.write_text(json.dumps(asdict(stack), indent=2), encoding="utf-8")
    half.replace(file)


def read(data_dir: Path) -> Stack | None:
    """The stack that was started last in a data directory; None if none was, or it ended well."""
    try:
        return Stack(**json.loads(_file(data_dir).read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def forget(data_dir: Path) -> None:
    """The stack ended."""
    _file(data_dir).unlink(missing_ok=True)


def alive(pid: int | None) -> bool:
    """True while a process of that id runs; one that ended and waits for its parent does not."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:  # gone meanwhile, or a system without /proc
        return not Path("/proc/self").exists()
    return state != "Z"


def database_url(settings: Settings) -> str:
    """The database of a command: ANJU_DATABASE_URL, else that of the stack in the data directory.

    Raises
    ------
    StackDown
        Neither.
    """
    return settings.database_url or _running(settings).dsn


def mqtt_bound(settings: Settings) -> tuple[str, ...]:
    """The topics that prove their sender: ANJU_MQTT_BOUND, else those of the running embedded broker."""
    running = read(settings.data_dir)
    embedded = running is not None and running.pids.get("broker") is not None
    return settings.mqtt_bound or (EMBEDDED_BOUND if embedded and settings.mqtt_url is None else ())


def mqtt_url(settings: Settings) -> str:
    """The broker of a command, likewise: ANJU_MQTT_URL, else that of the running stack."""
    return settings.mqtt_url or _running(settings).mqtt


@contextlib.contextmanager
def sole(data_dir: Path) -> Iterator[None]:
    """Be the only stack of a data directory, until this process ends in whichever way.

    Raises
    ------
    StackRunning
        Another one is.
    """
    with (data_dir / "run" / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StackRunning(
                f"another `anju up` (pid {lock.read().strip()}) runs on {data_dir}: stop it, or choose"
                " another data directory (ANJU_DATA_DIR)"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _running(settings: Settings) -> Stack:
    stack = read(settings.data_dir)
    if stack is None:
        raise StackDown(
            f"no stack runs on {settings.data_dir}, and ANJU_DATABASE_URL or ANJU_MQTT_URL is not set:"
            " start one with `anju up`"
        )
    return stack


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{place}"))


def _file(data_dir: Path) -> Path:
    return data_dir / "run" / "stack.json"
