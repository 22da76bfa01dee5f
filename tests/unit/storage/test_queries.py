from importlib import resources
from pathlib import Path

import pytest

from storage.queries import load


def test_statements_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, monkeypatch, "-- first --\n-- what it is for\nSELECT 1\n\n-- second --\nSELECT 2\n")
    found = load("queries_under_test", "q.sql")
    assert dict(found) == {"first": "-- what it is for\nSELECT 1", "second": "SELECT 2"}


@pytest.mark.parametrize("text", ["SELECT 1", "-- a --\nSELECT 1\n-- a --\nSELECT 2"])
def test_a_file_without_names_or_with_a_name_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    _package(tmp_path, monkeypatch, text)
    with pytest.raises(ValueError, match=r"q\.sql"):
        load("queries_under_test", "q.sql")


def _package(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "q.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _package: folder)
