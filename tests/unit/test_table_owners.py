"""Only its owner writes a table. Other rooms read it through the owner's views."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
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

OWNERS = {
    table: room
    for room, tables in {
        "storage": "audit_log watermark",
        "housing": "estate building unit household resident lease occupant absence lead verdict"
        " lead_withdrawal home_fact",
        "devices": "channel event_type device installation registry_version credential command"
        " device_condition installation_change installation_version installation_effect installation_check"
        " device_retirement meter_swap connection_version",
        "ingest": "journal reading event quarantine ingest_tally ingest_state ingest_marker device_sign"
        " decode_todo replay reading_archive event_archive",
        "usage": "usage usage_dirty usage_fault",
        "anomaly": "unit_day signal calibration calibration_rollback",
        "alerts": "alert alert_step",
        "api": "role role_permission account account_estate login_session login_failure",
    }.items()
    for table in tables.split()
}

#: Who else may do what, and why.
EXCEPTIONS = {
    # Append-only marks: whoever changes what a day rests on says so in the same transaction. A mark cannot
    # contradict another, and only usage takes them away.
    ("ingest", "INSERT INTO", "usage_dirty"),
    ("devices", "INSERT INTO", "usage_dirty"),
    ("housing", "INSERT INTO", "usage_dirty"),
}

_WRITE = re.compile(
    r"\b(INSERT INTO|MERGE INTO|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|COPY)"
    r"\s+(?:ONLY\s+)?(?:public\.)?\"?(\w+)"
)
_CREATE = re.compile(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)


def test_every_table_has_an_owner() -> None:
    migrations = ROOT / "storage" / "migrations" / "sql"
    created = {name for file in migrations.glob("*.sql") for name in _CREATE.findall(file.read_text())}
    assert created == OWNERS.keys()


def test_only_its_owner_writes_a_table() -> None:
    strangers = {
        (room, verb, table): where
        for room, where, text in _statements()
        for verb, table in _WRITE.findall(re.sub(r"--.*", "", text))
        if OWNERS.get(table, room) != room
    }
    assert strangers.keys() == EXCEPTIONS, strangers


def _statements() -> Iterator[tuple[str, str, str]]:
    """Room, file and SQL: named statements, and every string of the code."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.sql")):
            if "migrations" not in file.parts:
                yield room, str(file), file.read_text(encoding="utf-8")
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield room, str(file), node.value
