from pathlib import Path

import pytest

from storage.errors import BoxDamaged, KeyUnreadable
from storage.personal import PersonalKey, ensure_key, read_key


def test_a_value_opens_only_in_its_own_column() -> None:
    key = PersonalKey(b"k" * 32)
    box = key.seal("张伟", column="resident.name")
    assert key.open(box, column="resident.name") == "张伟"
    with pytest.raises(BoxDamaged):
        key.open(box, column="resident.phone")


def test_the_same_value_is_never_sealed_alike_but_hashes_alike() -> None:
    key = PersonalKey(b"k" * 32)
    assert key.seal("a", column="c") != key.seal("a", column="c")
    assert key.hash("11010519491231002x") == key.hash(" 11010519491231002X")
    assert key.hash("a") != PersonalKey(b"j" * 32).hash("a")


def test_a_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "personal.key"
    ensure_key(file)
    file.chmod(0o644)
    with pytest.raises(KeyUnreadable, match="chmod 600"):
        read_key(file)


def test_a_missing_or_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnreadable):
        read_key(tmp_path / "none")
    short = tmp_path / "short"
    short.write_bytes(b"x")
    short.chmod(0o600)
    with pytest.raises(KeyUnreadable):
        read_key(short)
