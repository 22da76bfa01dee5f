"""A broken gateway is replaced, a device is changed: by an operator, in one act that can be taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from devices import changes, lifecycle, listing, registry
from devices.acts import Change, Commission, Move, ReplaceGateway, Retire, Swap, Undo
from devices.errors import (
    AddressTaken,
    ChangedMeanwhile,
    HasChildren,
    IsGateway,
    NotAGateway,
    OtherEstate,
    RetiredDevice,
    UndoRefused,
    UnknownDevice,
    UnknownGateway,
    UnknownProfile,
)
from devices.registry import NewDevice
from devices.timelines import Place
from storage.pool import Connection
from tests.homes import make_estate
from tests.integration.devices.conftest import NOW, Do
from tests.integration.usage.meters import at, hourly, tell, usage_rows, work_off_all
from wire.channels import BY_NAME, EVENTS

WATER = BY_NAME["water_l"].code
HOUR = timedelta(hours=1)


@pytest.fixture
def do(connection: Connection, perform: Do) -> Do:
    """Two network servers; three meters behind the first."""
    estate_id = make_estate(connection)
    devices = [
        *(NewDevice(code=code, profile="chirpstack-server", estate_id=estate_id) for code in ("cs1", "cs2")),
        *(
            NewDevice(
                code=f"lw{n}",
                profile="water-register",
                estate_id=estate_id,
                gateway="cs1",
                address=f"a8404100000000{n}0",
            )
            for n in (1, 2, 3)
        ),
    ]
    registry.register_devices(connection, devices)
    return perform


def behind(connection: Connection, gateway: str) -> list[tuple[str, str | None]]:
    """What a gateway speaks for: code and address."""
    every = listing.devices(connection, limit=100)
    return [(one.code, one.address) for one in every if one.gateway == gateway]


REPLACED = ReplaceGateway(old="cs1", new="cs2", at=NOW)
CHILDREN = [(f"lw{n}", f"a8404100000000{n}0") for n in (1, 2, 3)]


def test_a_new_gateway_takes_all_children_over(connection: Connection, do: Callable) -> None:
    shown = lifecycle.preview(connection, REPLACED, now=NOW)
    assert (len(shown.links_before), shown.days) == (3, 0)
    assert behind(connection, "cs1") == CHILDREN, "a preview writes nothing"
    version = registry.load(connection).version
    done = do(REPLACED, seen=shown.seen)
    assert (behind(connection, "cs1"), behind(connection, "cs2")) == ([], CHILDREN)
    known = registry.load(connection)
    new, old = known.device("cs2"), known.device("cs1")
    assert known.version > version, "ingest notices"
    assert new is not None
    assert old is not None
    assert not old.active
    assert [known.child(new, address) is not None for _, address in CHILDREN] == [True] * 3
    assert do(REPLACED).change_id is None, "repeated, it changes nothing"
    audited = connection.execute("SELECT subject FROM audit_log ORDER BY subject").fetchall()
    assert [row[0] for row in audited] == [f"device:{code}" for code in ("cs1", "cs2", "lw1", "lw2", "lw3")]
    for code in ("cs1", "cs2", "lw1"):
        device = listing.device(connection, code)
        assert [one.act for one in changes.history(connection, device.id)] == ["replace_gateway"], code
    do(Undo(change_id=done.change_id, within=HOUR))
    assert (behind(connection, "cs1"), behind(connection, "cs2")) == (CHILDREN, [])
    assert listing.device(connection, "cs1").active


def test_the_homes_of_the_children_lose_nothing(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="lw1", place=Place(unit_id=units[0]), since=at(0)))
    tell(connection, listing.device(connection, "lw1").id, hourly(range(0, 240, 10), day=1))
    work_off_all(connection)
    before = usage_rows(connection)
    assert before
    assert do(REPLACED).effects == ()
    work_off_all(connection)
    assert usage_rows(connection) == before


def test_the_new_one_hangs_where_the_old_one_hung(connection: Connection, do: Callable) -> None:
    estate_id = make_estate(connection)
    for code in ("g1", "g2"):
        registry.register_device(connection, code=code, profile="gate-native", estate_id=estate_id)
    do(Commission(device="g1", place=Place(entrance="弱电间"), since=at(1)))
    do(Change(device="lw1", gateway="g1"))
    do(ReplaceGateway(old="g1", new="g2", at=NOW))
    rows = [
        row
        for code in ("g1", "g2")
        for row in listing.installations_of(connection, listing.device(connection, code).id)
        if row.channel == EVENTS
    ]
    assert [(row.device, row.entrance, row.valid_from, row.valid_to) for row in rows] == [
        ("g1", "弱电间", at(1), NOW),
        ("g2", "弱电间", NOW, None),
    ]


def test_a_clash_of_addresses_is_told_and_nothing_is_done(connection: Connection, do: Callable) -> None:
    for code, address in (("x1", CHILDREN[0][1]), ("x2", CHILDREN[2][1])):
        registry.register_device(
            connection,
            code=code,
            profile="water-register",
            estate_id=make_estate(connection),
            gateway="cs2",
            address=address,
        )
    told = r"cs2 .*a840410000000010 \(x1\), a840410000000030 \(x2\)"
    with pytest.raises(AddressTaken, match=told):
        lifecycle.preview(connection, REPLACED, now=NOW)
    with pytest.raises(AddressTaken, match=told):
        do(REPLACED)
    assert behind(connection, "cs1") == CHILDREN
    assert listing.device(connection, "cs1").active


def test_what_cannot_be_replaced(connection: Connection, do: Callable) -> None:
    registry.register_device(
        connection, code="far", profile="chirpstack-server", estate_id=make_estate(connection, code="E2")
    )
    registry.register_device(
        connection, code="cs3", profile="chirpstack-server", estate_id=make_estate(connection), gateway="cs1"
    )
    for wanted, error in (
        (ReplaceGateway(old="cs1", new="cs1", at=NOW), UnknownGateway),
        (ReplaceGateway(old="cs1", new="cs3", at=NOW), UnknownGateway),
        (ReplaceGateway(old="cs1", new="cs9", at=NOW), UnknownDevice),
        (ReplaceGateway(old="cs1", new="lw1", at=NOW), NotAGateway),
        (ReplaceGateway(old="lw1", new="cs1", at=NOW), NotAGateway),
        (ReplaceGateway(old="cs1", new="far", at=NOW), OtherEstate),
        (Swap(old="cs1", new="cs2", at=NOW), IsGateway),
    ):
        with pytest.raises(error):
            do(wanted)
    do(Retire(device="cs2", at=NOW))
    with pytest.raises(RetiredDevice):
        do(REPLACED)


def test_a_gateway_that_speaks_for_others_is_not_retired(connection: Connection, do: Callable) -> None:
    wanted = Retire(device="cs1", at=NOW)
    with pytest.raises(HasChildren, match=r"\(3: lw1, lw2, lw3\): replace it") as shown:
        lifecycle.preview(connection, wanted, now=NOW)
    assert shown.value.children == 3
    with pytest.raises(HasChildren):
        do(wanted)
    assert listing.device(connection, "cs1").active
    do(Change(device="lw1", gateway="cs2"))
    do(Retire(device="lw2", at=NOW))
    with pytest.raises(HasChildren, match=r"\(1: lw3\)"):
        do(wanted)
    do(Retire(device="lw3", at=NOW))
    do(wanted)
    assert not listing.device(connection, "cs1").active
    assert do(wanted).change_id is None


def test_what_was_changed_since_is_not_undone(connection: Connection, do: Callable) -> None:
    seen = lifecycle.preview(connection, REPLACED, now=NOW).seen
    do(Change(device="lw3", gateway=""))
    with pytest.raises(ChangedMeanwhile):
        do(REPLACED, seen=seen)
    done = do(REPLACED)
    do(Change(device="lw1", address="b1"))
    with pytest.raises(UndoRefused):
        do(Undo(change_id=done.change_id, within=HOUR))
    assert [code for code, _ in behind(connection, "cs2")] == ["lw1", "lw2"]


def test_a_meter_installed_elsewhere_meanwhile_does_not_stand_in_the_way_of_an_undo(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="lw1", place=Place(unit_id=units[0]), since=at(0)))
    done = do(REPLACED)
    do(Move(device="lw1", place=Place(unit_id=units[1]), at=NOW))
    do(Undo(change_id=done.change_id, within=HOUR))
    assert behind(connection, "cs1") == CHILDREN


def test_a_device_reaches_us_in_another_way(connection: Connection, do: Callable) -> None:
    done = do(Change(device="lw1", gateway="cs2", address="b1"))
    assert behind(connection, "cs2") == [("lw1", "b1")]
    assert do(Change(device="lw1", gateway="cs2", address="b1")).change_id is None
    do(Change(device="lw1", address=""))
    assert behind(connection, "cs2") == [("lw1", "lw1")], "behind a gateway it has its code at least"
    with pytest.raises(UndoRefused):
        do(Undo(change_id=done.change_id, within=HOUR))
    do(Change(device="lw2", gateway=""))
    found = listing.device(connection, "lw2")
    assert (found.gateway, found.address) == (None, CHILDREN[1][1])


def test_what_cannot_be_changed(connection: Connection, do: Callable) -> None:
    registry.register_device(
        connection, code="far", profile="chirpstack-server", estate_id=make_estate(connection, code="E2")
    )
    for wanted, error in (
        (Change(device="lw1", profile="sun-dial"), UnknownProfile),
        (Change(device="lw1", gateway="cs9"), UnknownDevice),
        (Change(device="lw1", gateway="lw1"), UnknownGateway),
        (Change(device="cs1", gateway="lw1"), UnknownGateway),
        (Change(device="lw1", gateway="far"), OtherEstate),
        (Change(device="cs1", profile="water-register"), NotAGateway),
        (Change(device="lw1", address=CHILDREN[1][1] or ""), AddressTaken),
    ):
        with pytest.raises(error):
            do(wanted)
    estate_id = make_estate(connection)
    with pytest.raises(UnknownDevice):
        do(Change(device="lw1", gateway="far"), estates=[estate_id])
    assert behind(connection, "cs1") == CHILDREN


def test_another_profile_puts_days_on_another_footing_and_back(
    connection: Connection, do: Callable, units: list[int]
) -> None:
    do(Commission(device="lw1", place=Place(unit_id=units[0]), since=at(0)))
    tell(connection, listing.device(connection, "lw1").id, hourly(range(0, 480, 10), day=1))
    work_off_all(connection)
    wanted = Change(device="lw1", profile="water-register-100m3")
    shown = lifecycle.preview(connection, wanted, now=NOW)
    assert shown.units == (units[0],)
    assert {effect.channel: effect.days for effect in shown.effects} == {WATER: 2, EVENTS: 2}
    done = do(wanted)
    assert listing.device(connection, "lw1").profile == "water-register-100m3"
    marked = connection.execute("SELECT DISTINCT unit_id, channel FROM usage_dirty").fetchall()
    assert set(marked) == {(units[0], WATER), (units[0], EVENTS)}
    found = changes.rebindings(connection, after=0)
    assert {(one.act, one.reason, one.unit_id) for one in found} == {("change", "profile", units[0])}
    work_off_all(connection)
    back = do(Undo(change_id=done.change_id, within=HOUR))
    assert {effect.channel: effect.days for effect in back.effects} == {WATER: 2, EVENTS: 2}
    assert listing.device(connection, "lw1").profile == "water-register"
