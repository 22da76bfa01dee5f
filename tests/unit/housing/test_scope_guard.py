"""Every statement that serves people is limited to their estates (a filter forgotten is a leak)."""

import pytest

from storage.queries import load

FILES = (
    ("housing", "absences.sql"),
    ("housing", "board.sql"),
    ("housing", "estates.sql"),
    ("housing", "leads.sql"),
    ("housing", "leases.sql"),
    ("housing", "residents.sql"),
    ("housing", "verdicts.sql"),
    ("housing", "withdrawals.sql"),
    ("api", "readings.sql"),
    ("api", "signals.sql"),
)
#: What serves imports, sweeps and the inside of a statement that was scoped before.
UNSCOPED = {
    # imports
    "upsert_absences",
    "upsert_buildings",
    "upsert_estates",
    "upsert_households",
    "upsert_leases",
    "upsert_occupants",
    "upsert_residents",
    "upsert_units",
    "unknown_buildings",
    "unknown_estates",
    "unknown_households",
    "unknown_leases",
    "unknown_residents",
    "unknown_units",
    "overlapping_leases",
    "stored_residents",
    # sweeps
    "newest_sweep",
    "lock_concerned",
    "renew_evidence",
    "record",
    "close",
    "refresh_leads",
    "open_leads",
    # behind lock_lead
    "move_lead",
    "insert_verdict",
}
STATEMENTS = [(file, name, text) for room, file in FILES for name, text in load(room, file).items()]


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for _, name, text in STATEMENTS if name not in UNSCOPED]
)
def test_a_statement_for_people_asks_for_their_estates(name: str, text: str) -> None:
    assert "%(everything)s OR" in text
    assert "= ANY(%(estate_ids)s)" in text


def test_the_list_of_exceptions_names_what_is_there() -> None:
    assert {name for _, name, _ in STATEMENTS} >= UNSCOPED
