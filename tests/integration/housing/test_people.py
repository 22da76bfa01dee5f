from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from housing.absences import AbsenceRow, list_absences, upsert_absences
from housing.errors import (
    DoubleCode,
    HousingError,
    NotFound,
    OverlappingLease,
    UnknownHousehold,
    UnknownLease,
    UnknownResident,
    UnknownUnit,
)
from housing.estates import unit_header
from housing.leases import LeaseRow, OccupantRow, occupants_of_unit, upsert_leases, upsert_occupants
from housing.residents import (
    HouseholdRow,
    ResidentRow,
    masked_of_unit,
    open_resident,
    upsert_households,
    upsert_residents,
)
from housing.scope import EVERYTHING, Scope
from housing.upserts import Upserted
from storage.errors import BoxDamaged
from storage.personal import PersonalKey
from storage.pool import Connection, connect
from tests.estates import NOW, build_estates, estate_id

KEY = PersonalKey(b"k" * 32)
WEI = ResidentRow(
    code="R1",
    household="H1",
    subject="p-7f3a",
    name="张伟",
    phone="13800002121",
    id_no="11010519491231002X",
)
LEASE = LeaseRow(
    code="L1",
    estate="HA",
    unit="1-1-0101",
    household="H1",
    starts_on=date(2025, 1, 1),
    ends_on=date(2027, 12, 31),
)
OCCUPANT = OccupantRow(
    estate="HA",
    unit="1-1-0101",
    resident="R1",
    lease="L1",
    starts_at=datetime(2024, 12, 31, 16, tzinfo=UTC),
)
AWAY = AbsenceRow(
    estate="HA",
    unit="1-1-0101",
    registered_at=NOW,
    starts_at=NOW - timedelta(days=2),
    ends_at=NOW + timedelta(days=30),
    reason="住院",
    approved_by="王",
)


@pytest.fixture
def units(connection: Connection) -> dict[str, list[int]]:
    built = build_estates(connection)
    upsert_households(connection, [HouseholdRow(code="H1", size=2, elder_alone=False)])
    return built


def test_personal_columns_are_sealed_and_a_repeated_import_writes_nothing(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    assert upsert_residents(connection, [WEI], key=KEY) == Upserted(inserted=1)
    assert upsert_residents(connection, [WEI], key=KEY) == Upserted(unchanged=1)
    row = connection.execute("SELECT r::text, name_enc, id_no_hash FROM resident r").fetchone()
    assert row is not None
    assert "张伟" not in row[0]
    assert "张伟".encode() not in bytes(row[1])
    assert bytes(row[2]) == KEY.hash("11010519491231002x")
    assert upsert_residents(connection, [replace(WEI, phone="13900000000")], key=KEY).updated == 1
    opened = open_resident(connection, "R1", scope=EVERYTHING, key=KEY)
    assert (opened.name, opened.phone, opened.id_no) == ("张伟", "13900000000", "11010519491231002X")


def test_another_key_opens_nothing(connection: Connection, units: dict[str, list[int]]) -> None:
    upsert_residents(connection, [WEI], key=KEY)
    with pytest.raises(BoxDamaged):
        open_resident(connection, "R1", scope=EVERYTHING, key=PersonalKey(b"j" * 32))


def test_staff_see_masks_of_those_registered_now_in_their_estates(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    upsert_residents(connection, [WEI, replace(WEI, code="R2", name="李娜", phone="", id_no="")], key=KEY)
    upsert_leases(connection, [LEASE])
    gone = replace(OCCUPANT, resident="R2", ends_at=NOW - timedelta(days=1))
    upsert_occupants(connection, [OCCUPANT, gone])
    here, there = units["HA"][0], Scope(estate_ids=(estate_id(connection, "HB"),))
    (masked,) = masked_of_unit(connection, here, scope=EVERYTHING, at=NOW, key=KEY)
    assert (masked.name, masked.phone, masked.id_no) == ("张*", "138****21", "****002X")
    assert masked_of_unit(connection, here, scope=there, at=NOW, key=KEY) == []
    with pytest.raises(NotFound):
        open_resident(connection, "R1", scope=there, key=KEY)


def test_the_lease_in_force_stands_on_the_homes_page(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    upsert_leases(connection, [LEASE])
    header = unit_header(connection, units["HA"][0], scope=EVERYTHING, now=NOW)
    assert (header.lease, header.household_size) == ("L1", 2)
    # 31 December in Shanghai begins at 16:00 UTC of the day before.
    last = datetime(2027, 12, 31, 15, 59, tzinfo=UTC)
    assert unit_header(connection, units["HA"][0], scope=EVERYTHING, now=last).lease == "L1"
    after = last + timedelta(minutes=1)
    assert unit_header(connection, units["HA"][0], scope=EVERYTHING, now=after).lease is None


def test_leases_of_one_home_never_overlap(connection: Connection, units: dict[str, list[int]]) -> None:
    assert upsert_leases(connection, [LEASE]) == Upserted(inserted=1)
    assert upsert_leases(connection, [LEASE]) == Upserted(unchanged=1)
    follower = replace(LEASE, code="L2", starts_on=date(2027, 12, 31), ends_on=date(2029, 1, 1))
    with pytest.raises(OverlappingLease, match=r"L2 \(row 0\)"):
        upsert_leases(connection, [follower])
    with pytest.raises(OverlappingLease) as within:
        upsert_leases(connection, [replace(LEASE, ends_on=date(2028, 1, 1)), follower])
    assert within.value.rows == ((1, "L2"),)
    # The first ends earlier in the same call, whichever order the rows stand in.
    shorter = replace(LEASE, ends_on=date(2027, 12, 30))
    assert upsert_leases(connection, [follower, shorter]) == Upserted(inserted=1, updated=1)
    # The border moves to the left: in between, row by row, they overlap.
    moved = [replace(follower, starts_on=date(2027, 6, 1)), replace(shorter, ends_on=date(2027, 5, 31))]
    assert upsert_leases(connection, moved) == Upserted(updated=2)
    with pytest.raises(HousingError, match="ends before it starts"):
        upsert_leases(connection, [replace(LEASE, code="L3", ends_on=date(2020, 1, 1))])


@pytest.mark.parametrize(
    ("row", "error", "code"),
    [
        (replace(OCCUPANT, unit="9-9-9999"), UnknownUnit, "HA 9-9-9999"),
        (replace(OCCUPANT, resident="R9"), UnknownResident, "R9"),
        (replace(OCCUPANT, starts_at=NOW, lease="L9"), UnknownLease, "L9"),
    ],
)
def test_an_occupant_of_nowhere_is_refused_by_code(
    connection: Connection, units: dict[str, list[int]], row: OccupantRow, error: type[Exception], code: str
) -> None:
    upsert_residents(connection, [WEI], key=KEY)
    upsert_leases(connection, [LEASE])
    with pytest.raises(error) as refused:
        upsert_occupants(connection, [OCCUPANT, row])
    assert refused.value.rows == ((1, code),)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_lease_of_an_unknown_household_is_refused(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    with pytest.raises(UnknownHousehold):
        upsert_leases(connection, [replace(LEASE, household="H9")])


def test_registering_somebody_marks_the_days_that_were_computed_already(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    unit_id = units["HA"][0]
    _computed(connection, unit_id, date(2024, 12, 30), date(2025, 1, 2))
    upsert_residents(connection, [WEI], key=KEY)
    upsert_leases(connection, [LEASE])
    connection.execute("DELETE FROM usage_dirty")
    assert upsert_occupants(connection, [OCCUPANT]).inserted == 1
    assert _marked(connection) == [(unit_id, 0, date(2025, 1, 2))]
    assert upsert_occupants(connection, [OCCUPANT]) == Upserted(unchanged=1)
    assert len(_marked(connection)) == 1
    (found,) = occupants_of_unit(connection, unit_id, scope=EVERYTHING)
    assert (found.resident, found.subject, found.lease) == ("R1", "p-7f3a", "L1")
    assert occupants_of_unit(connection, unit_id, scope=Scope()) == []
    with pytest.raises(HousingError, match="ends before it starts"):
        upsert_occupants(connection, [replace(OCCUPANT, ends_at=OCCUPANT.starts_at - timedelta(days=1))])


def test_an_absence_marks_its_computed_days_and_is_listed_in_scope(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    unit_id = units["HA"][0]
    _computed(connection, unit_id, date(2026, 11, 1), date(2026, 11, 22), date(2026, 11, 23))
    assert upsert_absences(connection, [AWAY]) == Upserted(inserted=1)
    assert upsert_absences(connection, [AWAY]) == Upserted(unchanged=1)
    assert _marked(connection) == [(unit_id, 0, date(2026, 11, 22 + n)) for n in range(2)]
    (found,) = list_absences(connection, scope=EVERYTHING, unit_id=unit_id, start=NOW)
    assert (found.reason, found.approved_by) == ("住院", "王")
    assert list_absences(connection, scope=EVERYTHING, end=NOW - timedelta(days=3)) == []
    assert list_absences(connection, scope=Scope(estate_ids=(estate_id(connection, "HB"),))) == []
    with pytest.raises(HousingError, match="ends before it starts"):
        upsert_absences(connection, [replace(AWAY, ends_at=AWAY.starts_at)])


def test_marked_days_wake_the_worker_when_they_are_committed(
    dsn: str, connection: Connection, units: dict[str, list[int]]
) -> None:
    connection.commit()
    with connect(dsn, name="test", autocommit=True) as ear:
        ear.execute("LISTEN usage_dirty")
        upsert_absences(connection, [AWAY])
        connection.commit()
        upsert_absences(connection, [AWAY])  # nothing new: nobody is woken
        connection.commit()
        heard = [note.channel for note in ear.notifies(timeout=0.5)]
    assert heard == ["usage_dirty"]


def test_a_corrected_end_replaces_the_absence_and_marks_the_days_of_both(
    connection: Connection, units: dict[str, list[int]]
) -> None:
    unit_id = units["HA"][0]
    days = [date(2026, 11, day) for day in range(1, 29)]
    _computed(connection, unit_id, *days)
    away = replace(AWAY, starts_at=NOW - timedelta(days=20), ends_at=NOW + timedelta(days=2))
    upsert_absences(connection, [away])
    connection.execute("DELETE FROM usage_dirty")
    shorter = replace(away, ends_at=NOW - timedelta(days=18))
    assert upsert_absences(connection, [shorter]) == Upserted(updated=1)
    (found,) = list_absences(connection, scope=EVERYTHING, unit_id=unit_id)
    assert found.ends_at == shorter.ends_at
    assert [day for _, _, day in _marked(connection)] == [date(2026, 11, day) for day in range(4, 28)]
    connection.execute("DELETE FROM usage_dirty")
    assert upsert_absences(connection, [away]) == Upserted(updated=1)
    assert [day for _, _, day in _marked(connection)] == [date(2026, 11, day) for day in range(4, 28)]
    with pytest.raises(DoubleCode):
        upsert_absences(connection, [away, shorter])


def test_a_changed_lease_marks_its_homes_so_that_their_clocks_are_read_again(
    dsn: str, connection: Connection, units: dict[str, list[int]]
) -> None:
    first, second = units["HA"][:2]
    upsert_leases(connection, [LEASE])
    assert _marked(connection) == []  # nothing was computed yet
    for unit_id in (first, second):
        _computed(connection, unit_id, date(2026, 11, 22), date(2026, 11, 23))
    connection.commit()
    with connect(dsn, name="test", autocommit=True) as ear:
        ear.execute("LISTEN usage_dirty")
        assert upsert_leases(connection, [replace(LEASE, starts_on=date(2025, 6, 1))]).updated == 1
        assert _marked(connection) == [(first, 0, date(2026, 11, 23))]
        connection.execute("DELETE FROM usage_dirty")
        connection.commit()
        upsert_leases(connection, [replace(LEASE, starts_on=date(2025, 6, 1))])  # nothing new
        connection.commit()
        heard = [note.channel for note in ear.notifies(timeout=0.5)]
    assert heard == ["usage_dirty"]
    moved = replace(LEASE, unit="1-1-0102", starts_on=date(2025, 6, 1))
    assert upsert_leases(connection, [moved]).updated == 1
    assert {unit_id for unit_id, _, _ in _marked(connection)} == {first, second}


def _computed(connection: Connection, unit_id: int, *days: date) -> None:
    for day in days:
        connection.execute(
            "INSERT INTO unit_day (computed_at, day, unit_id, energy_seen_h, water_seen_h, absent)"
            " VALUES (%s, %s, %s, 0, 0, false)",
            [NOW, day, unit_id],
        )


def _marked(connection: Connection) -> list[tuple[int, int, date]]:
    return connection.execute("SELECT unit_id, channel, day FROM usage_dirty ORDER BY day").fetchall()
