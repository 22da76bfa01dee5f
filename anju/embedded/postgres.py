"""Our own launcher of a PostgreSQL server on loopback.

The postmaster is our own child rather than pg_ctl's, so that its end is seen at once and kill -9 of ours
shuts it down. A data directory lies in a folder of ours::

    <root>/data/        the cluster, of the server's account
    <root>/run/         its unix socket, of the server's account
    <root>/anju.conf    our settings, written at each start
    <root>/server.log
    <root>/server-…/    a copy of the programs, where that account cannot enter our venv
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from anju.embedded import binaries
from anju.embedded.binaries import Account
from anju.embedded.errors import OtherMajor, ServerFailed
from anju.embedded.ports import HOST, free_port
from anju.embedded.tether import tied

_USER = "anju"
_READY_WITHIN_S = 300.0
_STOP_WITHIN_S = 300.0
#: After SIGKILL of a postmaster its lock file and shared memory stay taken for the first second.
_ATTEMPTS = 20
_PAUSE_S = 0.5
_LOCKED = ("postmaster.pid", "shared memory block")
_PORT_TAKEN = "could not bind"
#: `sockaddr_un` holds 108 bytes.
_SOCKET_PATH_MAX = 107

_CONF = """\
# Written by anju at each start: edit postgresql.conf instead, below its include line.
listen_addresses = '{host}'
unix_socket_directories = '{sockets}'
max_connections = 60
# one small machine that loads a year in bulk and then answers pages
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
# parallel plans need /dev/shm, which containers keep small; two cores gain nothing by them
max_parallel_workers_per_gather = 0
# an acknowledged reading is on disk
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %a '
"""


@dataclass(kw_only=True)
class Server:
    """A running server."""

    #: The postmaster, a child of this process.
    process: "subprocess.Popen[bytes]"
    port: int
    #: Where its programs are (psql, pg_dump).
    programs: Path
    log: Path
    dsn: str = field(init=False)

    def __post_init__(self) -> None:
        self.dsn = f"postgresql://{_USER}@{HOST}:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self.process.pid

    def stop(self) -> None:
        """Shut down fast: connections end, everything is flushed. Safe to repeat."""
        _shut_down(self.process)


def start(data_dir: Path, *, port: int = 0) -> Server:
    """Start the server of a data directory, making that first where there is none.

    Parameters
    ----------
    data_dir : Path
        A folder of ours, made if missing; the cluster lies in ``data/`` below it.
    port : int
        TCP port on 127.0.0.1; 0 takes any free one.

    Returns
    -------
    Server
        It accepts connections. It ends with this process, however that ends.

    Raises
    ------
    PermissionError
        We are root, and the account that the server needs cannot enter a folder above `data_dir`. No
        mode of such a folder is ever changed.
    OtherMajor
        The cluster was made by another major version.
    BinariesMissing, ServerFailed
        No programs, or the server said why not.
    """
    root = data_dir.resolve()
    account = binaries.account_for(root / "data")
    _prepare(root, account)
    found = binaries.find()
    programs = binaries.within_reach(found, account, root)
    _check_major(root / "data", binaries.version(found))
    if not (root / "data" / "PG_VERSION").exists():
        _initialise(root, programs, account)
    _write_conf(root)
    retry = (*_LOCKED, *([] if port else [_PORT_TAKEN]))
    chosen, said = port, ""
    for _ in range(_ATTEMPTS):
        chosen = port or free_port()
        begun = _log_size(root / "server.log")
        process = _spawn(root, programs, account, chosen)
        if _ready(process, root / "data"):
            return Server(process=process, port=chosen, programs=found, log=root / "server.log")
        said = _said(root / "server.log", begun)
        if not any(words in said for words in retry):
            break
        time.sleep(_PAUSE_S)
    raise ServerFailed(f"PostgreSQL did not start on port {chosen}: {_reason(said)} ({root / 'server.log'})")


def _prepare(root: Path, account: Account | None) -> None:
    if account is not None:
        _require_reach(root, account)
    root.mkdir(parents=True, exist_ok=True)
    if account is not None:
        root.chmod(0o755)
        _require_reach(root, account)  # the folders that were just made obey our umask
    _make_private(root / "run", account)


def _require_reach(root: Path, account: Account) -> None:
    closed = binaries.closed_to(account, root / "data")
    if closed is not None and closed != root:
        raise PermissionError(
            f"{root} cannot be reached by uid {account.uid}, as which PostgreSQL runs under root:"
            f" {closed} is closed to it. Choose another data directory (ANJU_DATA_DIR)."
        )


def _make_private(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _check_major(data: Path, running: str) -> None:
    file = data / "PG_VERSION"
    if not file.exists():
        return
    major = file.read_text().strip()
    if major != running.split(".", maxsplit=1)[0]:
        raise OtherMajor(
            f"{data} was made by PostgreSQL {major}, this is {running}: data directories do not fit across"
            f" major versions. Dump it with version {major} (pg_dumpall -f all.sql), move {data} away,"
            f" start again and restore (psql -f all.sql)."
        )


def _initialise(root: Path, programs: Path, account: Account | None) -> None:
    """Make the cluster under another name: one that was interrupted is thrown away, never started."""
    half = root / "data.new"
    shutil.rmtree(half, ignore_errors=True)
    _make_private(half, account)
    made = subprocess.run(
        [
            programs / "initdb", "-D", half, "-U", _USER, "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-instructions",
        ],
        capture_output=True, text=True, check=False, cwd="/", env=_environment(),
        user=account and account.uid, group=account and account.gid,
        extra_groups=[] if account else None,  # not root's
    )  # fmt: skip
    if made.returncode:
        raise ServerFailed(f"initdb failed: {_reason(made.stderr)}")
    with (half / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude '../anju.conf'\n")
    half.rename(root / "data")


def _write_conf(root: Path) -> None:
    sockets = root / "run"
    if len(os.fsencode(sockets / ".s.PGSQL.65535")) > _SOCKET_PATH_MAX:
        sockets = ""
    conf = root / "anju.conf"
    conf.write_text(_CONF.format(host=HOST, sockets=str(sockets).replace("'", "''")), encoding="utf-8")
    conf.chmod(0o644)


def _spawn(root: Path, programs: Path, account: Account | None, port: int) -> "subprocess.Popen[bytes]":
    with (root / "server.log").open("ab") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", root / "data", "-p", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(),
            start_new_session=True,  # Ctrl-C of the terminal is ours to pass on, in order
            preexec_fn=tied(signal.SIGINT),  # noqa: PLW1509 - calls prctl only
            user=account and account.uid, group=account and account.gid,
            extra_groups=[] if account else None,
        )  # fmt: skip


def _ready(process: "subprocess.Popen[bytes]", data: Path) -> bool:
    """Wait until the postmaster says so in its lock file, as pg_ctl does; False if it ended."""
    deadline = time.monotonic() + _READY_WITHIN_S
    try:
        while process.poll() is None:
            lines = _lock_file(data)
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            if time.monotonic() > deadline:
                _shut_down(process)
                return False
            time.sleep(0.01)
    except KeyboardInterrupt:
        _shut_down(process)
        raise
    return False


def _lock_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _shut_down(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _environment() -> dict[str, str]:
    """None of ours: no PGDATA, no secret."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _log_size(log: Path) -> int:
    """Bytes of a log so far; 0 if there is none."""
    return log.stat().st_size if log.exists() else 0


def _said(log: Path, begun: int) -> str:
    with log.open("rb") as lines:
        lines.seek(begun)
        return lines.read().decode(errors="replace")


def _reason(said: str) -> str:
    """The line that matters: the first that is fatal or an error, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if _PORT_TAKEN in line or "FATAL" in line or "error:" in line]
    return (telling or lines[-1:] or ["it said nothing"])[0]
