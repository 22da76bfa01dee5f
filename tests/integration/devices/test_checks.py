from datetime import timedelta

import pytest

from devices import checks, lifecycle, listing, registry
from devices.acts import Commission
from devices.checks import Watched
from devices.errors import UnknownCheck
from devices.timelines import Place
from storage.pool import Connection
from tests.estates import NOW, build_estates, estate_id
from wire.channels import BY_NAME
from wire.quality import Quality

FLOW, WATER = BY_NAME["flow_l_h"].code, BY_NAME["water_l"].code
STEPS = {FLOW: 60.0, WATER: 2.0}
PER_HOUR = {WATER: 5000.0}
MINUTE = timedelta(minutes=1)
CODES = ("w-1", "w-2", "w-3")


@pytest.fixture
def begun(connection: Connection) -> int:
    """Three meters in one building; a check of the first has begun."""
    units = build_estates(connection, "HA")["HA"]
    for code, unit_id in zip(CODES, units, strict=False):
        registry.register_device(
            connection, code=code, profile="water-register", estate_id=estate_id(connection, "HA")
        )
        wanted = Commission(device=code, place=Place(unit_id=unit_id), since=NOW - timedelta(days=1))
        lifecycle.perform(connection, wanted, by="account:ina", now=NOW)
        tell(connection, code, 1000, minutes=-9, channel=WATER)
    device = listing.device(connection, "w-1")
    return checks.begin(connection, device_id=device.id, unit_id=units[0], channel=FLOW, by="ina", now=NOW)


def tell(
    connection: Connection,
    code: str,
    value: float,
    *,
    minutes: float,
    channel: int = FLOW,
    quality: int = 0,
) -> None:
    at = NOW + minutes * MINUTE
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
        " VALUES (%s, %s, %s, %s, %s, %s, 101)",
        [at, at, value, listing.device(connection, code).id, channel, quality],
    )


def watched(connection: Connection, check_id: int, *, minutes: float = 10) -> Watched:
    found = checks.check(connection, check_id)
    return checks.watch(connection, found, steps=STEPS, per_hour=PER_HOUR, until=NOW + minutes * MINUTE)


def test_nothing_has_moved_before_anything_comes(connection: Connection, begun: int) -> None:
    found = watched(connection, begun)
    assert (found.outcome, found.own.heard_at) == ("nothing", None)
    assert (found.neighbours, found.neighbours_heard) == (2, 0)


@pytest.mark.parametrize(
    ("moved", "outcome"),
    [((), "nothing"), (("w-1",), "right"), (("w-2",), "other"), (("w-1", "w-3"), "several")],
)
@pytest.mark.parametrize("channel", [FLOW, WATER])
def test_what_moved_says_what_it_is(
    connection: Connection, begun: int, moved: tuple[str, ...], outcome: str, channel: int
) -> None:
    quiet, much = (1000, 1025) if channel == WATER else (0, 400)
    for code in CODES:
        tell(connection, code, much if code in moved else quiet, minutes=1, channel=channel)
        # flow goes down again, and was there all the same
        tell(
            connection,
            code,
            much if code in moved and channel == WATER else quiet,
            minutes=3,
            channel=channel,
        )
    found = watched(connection, begun)
    assert found.outcome == outcome
    assert [one.device for one in found.others] == [code for code in moved if code != "w-1"]


def test_a_device_that_ran_before_has_not_moved(connection: Connection, begun: int) -> None:
    tell(connection, "w-2", 300, minutes=-2)
    tell(connection, "w-2", 320, minutes=2)
    assert watched(connection, begun).outcome == "nothing"


@pytest.mark.parametrize(
    "values",
    [
        (1000 + 10**6, 1000 + 10**6),  # a wrong value, or another register from then on
        (1000 + 10**6, 1000),  # a glitch
        (9, 9),  # a reset
        (0, 1000),  # a glitch to nothing
    ],
)
def test_an_absurd_jump_of_another_flat_is_no_movement(
    connection: Connection, begun: int, values: tuple[float, ...]
) -> None:
    tell(connection, "w-1", 1025, minutes=2, channel=WATER)
    for minute, value in enumerate(values, 1):
        tell(connection, "w-2", value, minutes=minute, channel=WATER)
    found = watched(connection, begun)
    assert (found.outcome, found.neighbours_heard) == ("right", 1)


def test_what_is_used_behind_an_absurd_jump_is_movement(connection: Connection, begun: int) -> None:
    for minute, value in enumerate((1000 + 10**6, 1025 + 10**6), 1):
        tell(connection, "w-2", value, minutes=minute, channel=WATER)
    (moved,) = watched(connection, begun).others
    assert (moved.device, moved.amount) == ("w-2", 25)


def test_a_jump_over_days_of_silence_may_be_use(connection: Connection, begun: int) -> None:
    connection.execute("DELETE FROM reading")
    tell(connection, "w-1", 1000, minutes=-2 * 24 * 60, channel=WATER)
    tell(connection, "w-1", 11_000, minutes=1, channel=WATER)
    assert watched(connection, begun).own.amount == 10_000


def test_what_nothing_proves_and_what_comes_later_does_not_count(connection: Connection, begun: int) -> None:
    tell(connection, "w-1", 400, minutes=1, quality=int(Quality.IDENTITY_UNPROVEN))
    tell(connection, "w-1", 400, minutes=20)
    assert watched(connection, begun).outcome == "nothing"


def test_the_first_outcome_stays(connection: Connection, begun: int) -> None:
    assert checks.end(connection, begun, outcome="right", moved_id=None, by="ina", now=NOW + MINUTE)
    assert not checks.end(connection, begun, outcome="nothing", moved_id=None, by="otto", now=NOW + MINUTE)
    found = checks.check(connection, begun)
    assert (found.outcome, found.ended_by) == ("right", "ina")


def test_a_check_that_is_begun_again_gives_the_other_up(connection: Connection, begun: int) -> None:
    first = checks.check(connection, begun)
    checks.begin(
        connection,
        device_id=first.device_id,
        unit_id=first.unit_id,
        channel=WATER,
        by="ina",
        now=NOW + MINUTE,
    )
    assert [one.outcome for one in checks.of_device(connection, first.device_id)] == [None, "given_up"]


def test_a_check_of_another_estate_does_not_exist(connection: Connection, begun: int) -> None:
    with pytest.raises(UnknownCheck):
        checks.check(connection, begun, estates=[10**6])
    with pytest.raises(UnknownCheck):
        checks.check(connection, 10**6)
