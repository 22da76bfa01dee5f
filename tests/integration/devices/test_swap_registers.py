"""What an installer read off the old meter cannot be below what it reported: refused, and nothing is done."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from devices import lifecycle, listing, registry
from devices.acts import Commission, Registers, Swap
from devices.errors import FigureInvalid, RegisterTooLow
from devices.timelines import Place
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.integration.usage.meters import at, hourly, tell
from wire.channels import BY_NAME
from wire.quality import Quality

WATER = BY_NAME["water_l"].code
NOW = at(30)


@pytest.fixture
def old(connection: Connection) -> int:
    """A water meter that has reported 5000.9 and then, a day later, 5047.4; a new one lies beside it."""
    estate_id = make_estate(connection)
    for code in ("w-1", "w-2"):
        registry.register_device(connection, code=code, profile="water-register", estate_id=estate_id)
    (unit_id,) = make_units(connection, 1)
    installed = Commission(device="w-1", place=Place(unit_id=unit_id), since=at(0))
    lifecycle.perform(connection, installed, by="account:ina", now=NOW)
    found = listing.device(connection, "w-1").id
    tell(connection, found, hourly([5000.9, 5047.4], day=1, hours=24))
    connection.commit()
    return found


def swap(connection: Connection, old_final: float | None, *, day: float = 3) -> None:
    wanted = Swap(
        old="w-1", new="w-2", at=at(day), registers={"water_l": Registers(old_final=old_final, new_first=0)}
    )
    lifecycle.preview(connection, wanted, now=NOW)
    lifecycle.perform(connection, wanted, by="account:ina", now=NOW)


def test_a_register_below_what_was_reported_is_refused(connection: Connection, old: int) -> None:
    wanted = Swap(old="w-1", new="w-2", at=at(3), registers={"water_l": Registers(old_final=5046)})
    said = r"w-1: water_l 5046 is below its last reading 5047\.4: read it again, or leave it out"
    with pytest.raises(RegisterTooLow, match=said):
        lifecycle.preview(connection, wanted, now=NOW)
    with pytest.raises(RegisterTooLow, match=said):
        lifecycle.perform(connection, wanted, by="account:ina", now=NOW)
    assert listing.device(connection, "w-1").active
    assert listing.installations_of(connection, listing.device(connection, "w-2").id) == []
    assert connection.execute("SELECT count(*) FROM meter_swap").fetchone() == (0,)


@pytest.mark.parametrize("read", [5047, 5047.4, 6000, None])
def test_what_the_dial_shows_or_nothing_is_taken(
    connection: Connection, old: int, read: float | None
) -> None:
    """A dial shows no more places than people write down."""
    swap(connection, read)
    assert connection.execute("SELECT old_final FROM meter_swap").fetchone() == (read,)


def test_only_what_was_reported_before_the_swap_counts(connection: Connection, old: int) -> None:
    swap(connection, 5001, day=1.5)
    assert connection.execute("SELECT old_final FROM meter_swap").fetchone() == (5001,)


def test_a_reading_that_is_no_evidence_does_not_count(connection: Connection, old: int) -> None:
    (odd,) = hourly([9999], day=2.5)
    tell(connection, old, [replace(odd, quality=int(Quality.IDENTITY_UNPROVEN))])
    swap(connection, 5048)
    assert not listing.device(connection, "w-1").active


@pytest.mark.parametrize("read", [float("nan"), float("inf"), -float("inf"), -1.0])
def test_what_is_no_number_does_not_pass_as_a_register(connection: Connection, old: int, read: float) -> None:
    for registers in (Registers(old_final=read), Registers(new_first=read)):
        with pytest.raises(FigureInvalid, match=r"water_l: .* is no value of a register"):
            lifecycle.perform(
                connection,
                Swap(old="w-1", new="w-2", at=at(3), registers={"water_l": registers}),
                by="account:ina",
                now=NOW,
            )
    assert listing.device(connection, "w-1").active


def test_the_command_says_so_in_one_line(connection: Connection, old: int, dsn: str, tmp_path: Path) -> None:
    given = [
        "devices",
        "swap",
        "w-1",
        "w-2",
        "--at",
        at(3).isoformat(),
        "--channel",
        "water_l",
        "--old-final",
    ]
    environment = {"ANJU_DATABASE_URL": dsn, "ANJU_DATA_DIR": str(tmp_path)}

    def run(*more: str) -> str:
        return CliRunner().invoke(cli.app, [*given, *more], env=environment, catch_exceptions=False).stdout

    for more in (("5046.9", "--dry-run"), ("5046.9",)):
        with pytest.raises(AnjuError, match=r"w-1: water_l 5046\.9 is below its last reading 5047\.4"):
            run(*more)
    for word in ("nan", "inf", "-1"):
        with pytest.raises(AnjuError, match=f"water_l: {word} is no value of a register"):
            run(word)
    assert listing.device(connection, "w-1").active
    connection.commit()
    assert "done: act 2" in run("5047")
