"""Nobody goes round the audited function: an audit that cannot be written stops the read."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "anju",
    "api",
    "ingest",
    "anomaly",
    "housing",
    "alerts",
    "devices",
    "usage",
    "storage",
    "policy",
    "wire",
)


def _names(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def test_only_the_audited_function_opens_a_person() -> None:
    takers = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if {"housing.residents.open_resident", "open_resident"} & _names(file)
    }
    assert takers == {"api/personal.py"}


def test_only_residents_and_storage_touch_sealed_columns() -> None:
    sealed = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.sql")]
        if re.search(r"_enc\b", file.read_text(encoding="utf-8"))
    }
    assert sealed == {
        "housing/residents.py",
        "housing/residents.sql",
        "storage/migrations/sql/0002_housing.sql",
    }
