"""What was read off both registers at an exchange counts: nothing that was used around it is lost."""

import numpy as np
import pytest

from devices import lifecycle, listing, registry
from devices.acts import Commission, Correct, Registers, Swap, Undo
from devices.timelines import Place
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.integration.usage.meters import at, hourly, hours_of, tell, work_off_all
from usage.arrays import Hours
from wire.quality import Quality

NOW = at(30)
#: The exchange is on day 2, six hours after the old meter's last report and four before the new one's first.
SWAP_AT = at(2, minutes=12 * 60)


@pytest.fixture
def unit_id(connection: Connection) -> int:
    """A home whose old water meter reported 5000 … 5030 on day 2 until 06:00; a new one lies beside it."""
    estate_id = make_estate(connection)
    for code in ("w-1", "w-2"):
        registry.register_device(connection, code=code, profile="water-register", estate_id=estate_id)
    found, _ = make_units(connection, 2)
    install = Commission(device="w-1", place=Place(unit_id=found), since=at(0))
    lifecycle.perform(connection, install, by="account:ina", now=NOW)
    tell(connection, listing.device(connection, "w-1").id, hourly(range(5000, 5035, 5), day=2))
    connection.commit()
    return found


def swap(connection: Connection, registers: Registers, *, old: str = "w-1", new: str = "w-2") -> int:
    wanted = Swap(old=old, new=new, at=SWAP_AT, registers={"water_l": registers})
    done = lifecycle.perform(connection, wanted, by="account:ina", now=NOW)
    assert done.change_id is not None
    tell(connection, listing.device(connection, new).id, hourly([8, 9, 10], day=2 + 16 / 24))
    work_off_all(connection)
    return done.change_id


def day_2(connection: Connection, unit_id: int) -> Hours:
    return hours_of(connection, unit_id, day=2)


def quality(connection: Connection) -> Quality:
    row = connection.execute("SELECT quality FROM usage WHERE day = %s", [at(2).date()]).fetchone()
    assert row is not None
    return Quality(row[0])


def test_use_up_to_the_exchange_and_from_it_on_is_known(connection: Connection, unit_id: int) -> None:
    swap(connection, Registers(old_final=5042, new_first=4))
    found = day_2(connection, unit_id)
    # 30 reported by the old one, 12 read off it, 4 from the new one's first value to its first report, 2
    assert np.nansum(found.amount) == pytest.approx(30 + 12 + 4 + 2)
    # Six hours and four hours are spread evenly, as over any gap.
    np.testing.assert_allclose(found.amount[0][6:16], [2] * 6 + [1] * 4, rtol=1e-5)


@pytest.mark.parametrize(
    ("registers", "litres"),
    [
        (Registers(old_final=5042), 30 + 12 + 2),
        (Registers(new_first=4), 30 + 4 + 2),
        (Registers(), 30 + 2),
    ],
)
def test_of_what_was_not_read_nothing_is_made_up(
    connection: Connection, unit_id: int, registers: Registers, litres: float
) -> None:
    swap(connection, registers)
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(litres)


def test_a_dial_that_shows_no_more_places_than_the_report_is_no_fall(
    connection: Connection, unit_id: int
) -> None:
    tell(connection, listing.device(connection, "w-1").id, hourly([5030.75], day=2 + 7 / 24))
    swap(connection, Registers(old_final=5030))
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(30.75 + 2)
    assert connection.execute("SELECT count(*) FROM usage_fault").fetchone() == (0,)


def test_a_final_value_that_nobody_can_have_used_is_a_fault_and_books_nothing(
    connection: Connection, unit_id: int
) -> None:
    swap(connection, Registers(old_final=5_042_000))
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(30 + 2)
    assert connection.execute("SELECT kind, after FROM usage_fault").fetchall() == [("held", 5_042_000)]


def test_what_a_device_reports_counts_before_what_was_read_off_it(
    connection: Connection, unit_id: int
) -> None:
    """A report under the very moment of the exchange is no contradiction to the dial."""
    tell(connection, listing.device(connection, "w-2").id, hourly([4.5], day=2.5))
    swap(connection, Registers(new_first=4))
    found = day_2(connection, unit_id)
    assert np.nansum(found.amount) == pytest.approx(30 + 3.5 + 2)
    assert not quality(connection) & Quality.CONFLICT


def test_undoing_the_exchange_takes_back_what_was_read(connection: Connection, unit_id: int) -> None:
    change_id = swap(connection, Registers(old_final=5042, new_first=4))
    undo = Undo(change_id=change_id, within=NOW - at(0))
    lifecycle.perform(connection, undo, by="account:ina", now=NOW)
    work_off_all(connection)
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(30)


def test_what_was_read_goes_with_its_device_to_another_home(connection: Connection, unit_id: int) -> None:
    swap(connection, Registers(old_final=5042, new_first=4))
    other = unit_id + 1
    correct = Correct(device="w-2", place=Place(unit_id=other), since=SWAP_AT, reason="wrong_unit")
    lifecycle.perform(connection, correct, by="account:ina", now=NOW)
    work_off_all(connection)
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(30 + 12)
    assert np.nansum(day_2(connection, other).amount) == pytest.approx(4 + 2)


def test_an_exchange_at_midnight_ends_the_day_before(connection: Connection, unit_id: int) -> None:
    wanted = Swap(old="w-1", new="w-2", at=at(3), registers={"water_l": Registers(old_final=5048)})
    work_off_all(connection)
    lifecycle.perform(connection, wanted, by="account:ina", now=NOW)
    work_off_all(connection)
    assert np.nansum(day_2(connection, unit_id).amount) == pytest.approx(48)
    assert np.isfinite(day_2(connection, unit_id).amount).all()


def test_the_hours_say_that_a_person_read_it(connection: Connection, unit_id: int) -> None:
    swap(connection, Registers(old_final=5042))
    assert quality(connection) & Quality.READ_OFF
