from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from devices import changes, lifecycle, listing, placements, registry
from devices.acts import Commission, Correct, Exchange, Move, Registers, Retire, Swap, Undo
from devices.errors import (
    AddressTaken,
    AlreadyInstalled,
    ChangedMeanwhile,
    FigureInvalid,
    NotInstalled,
    OtherEstate,
    PeriodEmpty,
    PlaceTaken,
    RecordedLater,
    RetiredDevice,
    SeveralPlaces,
    UndoRefused,
    UnknownDevice,
    UnknownGateway,
    UnknownPlace,
    UnknownReason,
)
from devices.timelines import Place
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.integration.devices.conftest import NOW, Do
from tests.integration.usage.meters import at, hourly, tell, usage_rows, work_off_all
from wire.channels import BY_NAME, CHANNELS, EVENTS

WATER = BY_NAME["water_l"].code
HOUR = timedelta(hours=1)


@pytest.fixture
def do(connection: Connection, perform: Do) -> Do:
    """Two water meters, w-1 and w-2, and a lock, l-1; acts on them."""
    estate_id = make_estate(connection)
    for code, profile in (("w-1", "water-register"), ("w-2", "water-register"), ("l-1", "lock-native")):
        registry.register_device(connection, code=code, profile=profile, estate_id=estate_id)
    return perform


def where(
    connection: Connection, code: str, *channels: int
) -> list[tuple[int, int | str | None, datetime, datetime | None]]:
    """Channel, place, from and to; of the water without channels."""
    device = listing.device(connection, code)
    return [
        (row.channel, row.unit_id or row.entrance, row.valid_from, row.valid_to)
        for row in reversed(listing.installations_of(connection, device.id))
        if row.channel in (channels or (WATER,))
    ]


def at_home(unit_id: int) -> Place:
    return Place(unit_id=unit_id)


def test_every_channel_of_the_profile_is_commissioned(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    wanted = Commission(device="l-1", place=at_home(units[0]), since=at(1))
    assert do(wanted).change_id is not None
    channels = placements.channels_of("lock-native")
    assert EVENTS in channels
    assert sorted(where(connection, "l-1", *channels)) == [
        (c, units[0], at(1), None) for c in sorted(channels)
    ]
    assert do(wanted).change_id is None, "repeated, it changes nothing"
    assert connection.execute(
        "SELECT actor, action, subject FROM audit_log WHERE action LIKE 'device.%%'"
    ).fetchall() == [("account:ina", "device.install", "device:l-1")]


def test_only_registers_are_multiplied(connection: Connection, do: Callable, units: list[int]) -> None:
    estate_id = make_estate(connection)
    for code in ("e-1", "e-2"):
        registry.register_device(connection, code=code, profile="dlt645-meter", estate_id=estate_id)
    do(Commission(device="e-1", place=at_home(units[0]), since=at(1), multiplier=40.0))
    do(Swap(old="e-1", new="e-2", at=at(2)))
    for code in ("e-1", "e-2"):
        rows = listing.installations_of(connection, listing.device(connection, code).id)
        multiplied = {row.channel for row in rows if row.multiplier == 40.0}
        plain = {row.channel for row in rows if row.multiplier == 1.0}
        assert multiplied == {BY_NAME["energy_kwh"].code}, code
        assert {BY_NAME["voltage_v"].code, BY_NAME["power_w"].code} <= plain, code


def test_a_device_at_an_entrance(connection: Connection, do: Callable) -> None:
    registry.register_device(connection, code="g-1", profile="gate-native", estate_id=make_estate(connection))
    do(Commission(device="g-1", place=Place(entrance="南门"), since=at(1)))
    assert {row[1] for row in where(connection, "g-1", EVENTS)} == {"南门"}


def test_what_hangs_there_already_is_named(do: Callable, units: list[int]) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(1)))
    with pytest.raises(PlaceTaken, match="w-1") as refused:
        do(Commission(device="w-2", place=at_home(units[0]), since=at(2)))
    assert (refused.value.device, refused.value.channel) == ("w-1", WATER)
    with pytest.raises(AlreadyInstalled):
        do(Commission(device="w-1", place=at_home(units[1]), since=at(2)))


def test_several_devices_of_a_home_have_a_battery(do: Callable, units: list[int]) -> None:
    assert all((channel.code < 10) == channel.metered for channel in CHANNELS), "the database counts on it"
    do(Commission(device="w-1", place=at_home(units[0]), since=at(1)))
    do(Commission(device="l-1", place=at_home(units[0]), since=at(1)))


def test_what_cannot_be(connection: Connection, do: Callable, units: list[int]) -> None:
    far = make_units(connection, 1, code="E2")[0]
    with pytest.raises(OtherEstate):
        do(Commission(device="w-1", place=at_home(far), since=at(1)))
    with pytest.raises(UnknownPlace):
        do(Commission(device="w-1", place=at_home(10**6), since=at(1)))
    with pytest.raises(UnknownDevice):
        do(Commission(device="w-9", place=at_home(units[0]), since=at(1)))
    with pytest.raises(UnknownDevice):
        do(Commission(device="w-1", place=at_home(units[0]), since=at(1)), estates=[10**6])
    with pytest.raises(PeriodEmpty):
        do(Commission(device="w-1", place=at_home(units[0]), since=NOW + HOUR))
    with pytest.raises(NotInstalled):
        do(Move(device="w-1", place=at_home(units[0]), at=at(1)))
    with pytest.raises(UnknownReason):
        do(Correct(device="w-1", place=at_home(units[0]), since=at(1), reason="because"))


def test_a_swap_keeps_the_history_of_the_home_and_the_registers(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    ids = {code: listing.device(connection, code).id for code in ("w-1", "w-2")}
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0), multiplier=10.0))
    tell(connection, ids["w-1"], hourly([5000 + n for n in range(48)], day=1))
    tell(connection, ids["w-2"], hourly([7 + 2 * n for n in range(48)], day=3))
    read = Registers(old_final=5047, new_first=7)
    wanted = Swap(old="w-1", new="w-2", at=at(3), registers={"water_l": read})
    done = do(wanted)
    assert where(connection, "w-1") == [(WATER, units[0], at(0), at(3))]
    assert where(connection, "w-2") == [(WATER, units[0], at(3), None)]
    assert not listing.device(connection, "w-1").active
    assert connection.execute(
        "SELECT old_device_id, new_device_id, old_final, new_first FROM meter_swap"
    ).fetchall() == [(ids["w-1"], ids["w-2"], 5047, 7)]
    work_off_all(connection)
    litres = [value for (unit, _, _), value in usage_rows(connection).items() if unit == units[0]]
    # ten times 47 L and ten times 94 L; between the two registers nothing is made up
    assert sum(litres) == pytest.approx(10 * 47 + 10 * 94)
    assert do(wanted).change_id is None
    assert done.change_id is not None


def test_a_move_and_a_retirement_end_what_was(connection: Connection, do: Callable, units: list[int]) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(5)))
    do(Retire(device="w-1", at=at(9)))
    assert where(connection, "w-1") == [(WATER, units[0], at(0), at(5)), (WATER, units[1], at(5), at(9))]
    with pytest.raises(RetiredDevice):
        do(Commission(device="w-1", place=at_home(units[2]), since=at(10)))


def test_a_new_act_can_be_taken_back_an_old_one_not(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    swapped = do(Swap(old="w-1", new="w-2", at=at(3)))
    within = timedelta(hours=1)
    with pytest.raises(UndoRefused, match="act 2 is more than 1 hours ago"):
        do(Undo(change_id=swapped.change_id, within=within), now=NOW + 2 * HOUR)
    do(Undo(change_id=swapped.change_id, within=within), now=NOW + HOUR)
    assert where(connection, "w-1") == [(WATER, units[0], at(0), None)]
    assert where(connection, "w-2") == []
    assert listing.device(connection, "w-1").active
    with pytest.raises(UndoRefused, match="act 2 was undone already, by act 3"):
        do(Undo(change_id=swapped.change_id, within=within), now=NOW + HOUR)
    acts = [(one.act, one.undone_by is not None) for one in changes.history(connection, 1)]
    assert acts == [("undo", False), ("swap", True), ("commission", False)]


def test_what_was_changed_since_is_not_undone(do: Callable, units: list[int]) -> None:
    done = do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(5)))
    with pytest.raises(UndoRefused, match="something was changed since act 1"):
        do(Undo(change_id=done.change_id, within=HOUR))


def test_a_correction_splits_the_period_and_keeps_the_old_belief(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    wanted = Correct(device="w-1", place=at_home(units[1]), since=at(4), until=at(6), note=" 表号抄错 ")
    shown = lifecycle.preview(connection, wanted, now=NOW)
    done = do(wanted, seen=shown.seen)
    assert where(connection, "w-1") == [
        (WATER, units[0], at(0), at(4)),
        (WATER, units[1], at(4), at(6)),
        (WATER, units[0], at(6), None),
    ]
    before = changes.believed(connection, done.change_id, after=False)
    assert [(row.unit_id, row.valid_from, row.valid_to) for row in before if row.channel == WATER] == [
        (units[0], at(0), None)
    ]
    change = changes.change(connection, done.change_id)
    assert change is not None
    assert (change.by, change.reason, change.note) == ("account:ina", "wrong_unit", "表号抄错")
    with pytest.raises(ChangedMeanwhile):
        do(Correct(device="w-1", place=at_home(units[2]), since=at(8)), seen=shown.seen)


def test_a_correction_without_an_end_leaves_a_later_move_alone(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(9)))
    do(Correct(device="w-1", place=at_home(units[2]), since=at(4)))
    assert [row[1:3] for row in where(connection, "w-1")] == [
        (units[0], at(0)),
        (units[2], at(4)),
        (units[1], at(9)),
    ]


def test_crossed_devices_that_were_commissioned_on_different_days(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0), multiplier=10.0))
    do(Commission(device="w-2", place=at_home(units[1]), since=at(2)))
    do(Exchange(one="w-1", other="w-2"))
    assert where(connection, "w-1") == [(WATER, units[1], at(0), None)]
    assert where(connection, "w-2") == [(WATER, units[0], at(2), None)]
    multipliers = connection.execute(
        "SELECT unit_id, multiplier FROM installation WHERE channel = %s ORDER BY unit_id", [WATER]
    ).fetchall()
    assert multipliers == [(units[0], 1.0), (units[1], 10.0)], "it belongs to the device"


def test_devices_that_were_at_several_places_are_not_guessed_about(do: Callable, units: list[int]) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(9)))
    do(Commission(device="w-2", place=at_home(units[2]), since=at(0)))
    with pytest.raises(SeveralPlaces):
        do(Exchange(one="w-1", other="w-2", since=at(1)))
    with pytest.raises(PeriodEmpty):
        do(Exchange(one="w-1", other="w-2", since=at(3), until=at(3)))


def test_a_move_to_the_past_does_not_erase_where_it_hung_later(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(20)))
    with pytest.raises(RecordedLater, match=r"w-1: more is recorded after .* correct"):
        do(Move(device="w-1", place=at_home(units[2]), at=at(10)))
    do(Move(device="w-1", place=at_home(units[2]), at=at(25)))
    assert [row[1:3] for row in where(connection, "w-1")] == [
        (units[0], at(0)),
        (units[1], at(20)),
        (units[2], at(25)),
    ]


def test_a_move_to_the_past_does_not_bring_back_what_was_taken_down(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Swap(old="w-1", new="w-2", at=at(9), retire_old=False))
    with pytest.raises(RecordedLater):
        do(Move(device="w-1", place=at_home(units[1]), at=at(5)))
    assert where(connection, "w-1") == [(WATER, units[0], at(0), at(9))]


def test_a_swap_in_the_past_does_not_erase_where_the_old_one_hung_later(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Move(device="w-1", place=at_home(units[1]), at=at(20)))
    with pytest.raises(RecordedLater, match="w-1: it hangs elsewhere after"):
        do(Swap(old="w-1", new="w-2", at=at(10)))
    do(Swap(old="w-1", new="w-2", at=at(20)))
    assert where(connection, "w-2") == [(WATER, units[1], at(20), None)]


def test_a_swap_does_not_hang_a_channel_where_another_one_hung(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    channels = placements.channels_of("water-register")
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    do(Correct(device="w-1", place=at_home(units[1]), since=at(0), channels=["water_l"]))
    do(Swap(old="w-1", new="w-2", at=at(9)))
    places = {row[0]: row[1] for row in where(connection, "w-2", *channels)}
    assert len(places) > 1
    assert places == {one: units[1] if one == WATER else units[0] for one in channels}


def test_a_channel_that_the_old_one_had_not_is_not_guessed_to_a_place(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    registry.register_device(
        connection, code="e-1", profile="dlt645-meter", estate_id=make_estate(connection)
    )
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    corrected = do(Correct(device="w-1", place=at_home(units[1]), since=at(0), channels=["water_l"]))
    with pytest.raises(SeveralPlaces, match=r"w-1 hangs at several places and has no .*: bring w-1 to one"):
        do(Swap(old="w-1", new="e-1", at=at(9)))
    do(Undo(change_id=corrected.change_id, within=HOUR))
    do(Swap(old="w-1", new="e-1", at=at(9)))
    channels = placements.channels_of("dlt645-meter")
    assert {row[1] for row in where(connection, "e-1", *channels)} == {units[0]}


@pytest.mark.parametrize("multiplier", [float("nan"), float("inf"), 0.0, -1.0])
def test_nothing_is_multiplied_by_what_is_no_number(
    do: Callable, units: list[int], multiplier: float
) -> None:
    with pytest.raises(FigureInvalid):
        do(Commission(device="w-1", place=at_home(units[0]), since=at(0), multiplier=multiplier))
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    with pytest.raises(FigureInvalid):
        do(Swap(old="w-1", new="w-2", at=at(9), multiplier=multiplier))


def test_acts_are_kept_for_good(connection: Connection, do: Callable, units: list[int]) -> None:
    do(Commission(device="w-1", place=at_home(units[0]), since=at(0)))
    for table in ("installation_change", "installation_version"):
        with pytest.raises(Exception, match="append-only"), connection.transaction():
            connection.execute(f"DELETE FROM {table}")  # pyright: ignore[reportArgumentType]


def test_children_of_gateways(connection: Connection, units: list[int]) -> None:
    estate_id = make_estate(connection)
    new = registry.NewDevice

    def child(code: str, **more: str) -> registry.NewDevice:
        return new(code=code, profile="water-register", estate_id=estate_id, **more)

    with pytest.raises(UnknownGateway, match="gw-1"):
        registry.register_devices(connection, [child("c-1", gateway="gw-1")])
    registry.register_devices(connection, [child("c-1", gateway="gw-1", address="17"), child("gw-1")])
    found = listing.device(connection, "c-1")
    assert (found.gateway, found.address) == ("gw-1", "17")
    registry.register_devices(connection, [child("c-1")])
    assert listing.device(connection, "c-1").address == "17", "who says nothing clears nothing"
    registry.register_devices(connection, [child("c-2", gateway="gw-1")])
    assert listing.device(connection, "c-2").address == "c-2"
    with pytest.raises(AddressTaken, match=r"^c-3 and c-1 cannot both be 17 behind gw-1$"):
        registry.register_devices(connection, [child("c-3", gateway="gw-1", address="17")])
    assert [one.code for one in listing.devices(connection, words="c-")] == ["c-1", "c-2"]
    with pytest.raises(UnknownGateway):
        registry.register_devices(connection, [child("gw-1", gateway="gw-1")])
    registry.register_devices(connection, [child("c-1", gateway="", address="")])
    found = listing.device(connection, "c-1")
    assert (found.gateway, found.address) == (None, None)


def test_a_label_is_found_by_code_serial_or_address(connection: Connection) -> None:
    estate_id = make_estate(connection)
    for code, serial, address in (("c-1", "1001", ""), ("c-2", "1002", "AA17"), ("c-3", "", "")):
        registry.register_device(
            connection,
            code=code,
            profile="water-register",
            estate_id=estate_id,
            serial=serial,
            address=address,
        )
    for text, code in (("c-3", "c-3"), ("1001", "c-1"), ("AA17", "c-2")):
        assert [one.code for one in listing.scanned(connection, [text])] == [code]
    assert listing.scanned(connection, [""]) == []
    assert listing.scanned(connection, ["1001"], estates=[]) == []
