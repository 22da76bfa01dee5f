from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from storage.pool import connect
from tests.estates import build_estates


@pytest.fixture
def devices(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    with connect(dsn, name="test") as connection:
        build_estates(connection)

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(cli.app, ["devices", *arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    return run


def test_a_device_from_the_command_line(devices) -> None:
    for code in ("w-1", "w-2"):
        devices(
            "register", code, "--profile", "water-register", "--estate", "HA", "--serial", f"88{code[-1]}"
        )
    done = devices("commission", "w-1", "--unit", "1-1-0101", "--at", "2026-01-05T08:00")
    assert done == "done: act 1\n"
    assert devices("commission", "w-1", "--unit", "1-1-0101", "--at", "2026-01-05T08:00").startswith(
        "nothing"
    )
    devices("swap", "w-1", "w-2", "--at", "2026-02-01T09:30", "--channel", "water_l", "--old-final", "8123")
    assert devices("list").splitlines() == [
        "w-1  water-register  881  HA  (retired)",
        "w-2  water-register  882  HA",
    ]
    shown = devices("show", "w-2")
    assert "water_l  1-1-0101  since 2026-02-01 09:30 +08:00  x1" in shown
    assert "act 2  swap" in shown
    devices("move", "w-2", "--unit", "1-1-0102")
    devices("retire", "w-2")
    assert "water_l  1-1-0102" in devices("show", "w-2")


def test_a_dry_run_says_what_would_hang_where(devices) -> None:
    for code, profile in (("e-1", "dlt645-meter"), ("e-2", "dlt645-meter"), ("l-1", "lock-native")):
        devices("register", code, "--profile", profile, "--estate", "HA")
    commission = ("commission", "e-1", "--unit", "1-1-0101", "--at", "2026-01-05T08:00", "--multiplier", "40")
    shown = devices(*commission, "--dry-run").splitlines()
    assert "e-1: energy_kwh at 1-1-0101 since 2026-01-05 08:00 +08:00, x40" in shown
    assert any(line.startswith("e-1: events, power_w, voltage_v") for line in shown)
    assert shown[-1] == "not done: --dry-run"
    lock = devices("commission", "l-1", "--unit", "1-1-0101", "--at", "2026-01-05T08:00", "--dry-run")
    assert lock.startswith("l-1: events, battery_pct")
    assert devices("show", "e-1").count("\n") == 1, "nothing was done"
    devices(*commission)
    swapped = devices("swap", "e-1", "e-2", "--at", "2026-02-01T09:30", "--dry-run").splitlines()
    assert (
        "e-1: energy_kwh at 1-1-0101 since 2026-01-05 08:00 +08:00 until 2026-02-01 09:30 +08:00, x40"
        in swapped
    )
    assert "e-1: retired" in swapped
    assert "e-2: energy_kwh at 1-1-0101 since 2026-02-01 09:30 +08:00, x40" in swapped
    moved = devices("move", "e-1", "--unit", "1-1-0102", "--at", "2026-02-01T09:30", "--dry-run")
    assert "e-1: energy_kwh at 1-1-0102 since 2026-02-01 09:30 +08:00, x40\n" in moved
    undone = devices("undo", "1", "--dry-run").splitlines()
    assert "e-1: energy_kwh no longer at 1-1-0101 since 2026-01-05 08:00 +08:00, x40" in undone


def test_a_correction_is_shown_first(devices) -> None:
    for code, unit in (("w-1", "1-1-0101"), ("w-2", "1-1-0102")):
        devices("register", code, "--profile", "water-register", "--estate", "HA")
        devices("commission", code, "--unit", unit, "--at", "2026-01-05T08:00")
    assert "not done" in devices("exchange", "w-1", "w-2", "--dry-run")
    assert "water_l  1-1-0101" in devices("show", "w-1")
    done = devices("exchange", "w-1", "w-2", "--note", "表号抄反")
    assert "water_l  1-1-0102" in devices("show", "w-1")
    devices("undo", done.split()[-1])
    assert "water_l  1-1-0101" in devices("show", "w-1")
    devices("correct", "w-1", "--unit", "1-1-0103", "--since", "2026-01-06", "--until", "2026-01-08")
    assert "water_l  1-1-0103  since 2026-01-06 00:00 +08:00 until 2026-01-08 00:00 +08:00" in devices(
        "show", "w-1"
    )


def test_a_broken_gateway_is_replaced_from_the_command_line(devices) -> None:
    for code in ("cs1", "cs2"):
        devices("register", code, "--profile", "chirpstack-server", "--estate", "HA")
    for n in (1, 2):
        devices(
            *("register", f"lw{n}", "--profile", "lorawan-water-meter", "--estate", "HA"),
            *("--gateway", "cs1", "--address", f"a84041000000000{n}"),
        )
    for arguments, words in (
        (("swap", "cs1", "cs2"), "replace the gateway"),
        (
            ("register", "lw1", "--profile", "lorawan-water-meter", "--estate", "HA", "--gateway", "cs2"),
            "change",
        ),
        (("retire", "cs1"), r"\(2: lw1, lw2\): replace it \(anju devices replace-gateway\)"),
        (("retire", "cs1", "--dry-run"), "still speaks for other devices"),
        (("change", "lw1"), "say what changes"),
        (("change", "lw1", "--gateway", "cs9"), "no such device: cs9"),
        (("change", "lw1", "--address", "a840410000000002"), r"cs1 has .*a840410000000002 \(lw2\)"),
    ):
        with pytest.raises(AnjuError, match=words):
            devices(*arguments)
    shown = devices("replace-gateway", "cs1", "cs2", "--dry-run").splitlines()
    assert shown == [
        "cs1: retired",
        "lw1: gateway cs1 -> cs2",
        "lw2: gateway cs1 -> cs2",
        "not done: --dry-run",
    ]
    assert devices("replace-gateway", "cs1", "cs2").endswith("done: act 1\n")
    assert devices("replace-gateway", "cs1", "cs2").startswith("nothing to do")
    assert devices("list").splitlines() == [
        "cs1  chirpstack-server  -  HA  (retired)",
        "cs2  chirpstack-server  -  HA",
        "lw1  lorawan-water-meter  -  HA  behind cs2 as a840410000000001",
        "lw2  lorawan-water-meter  -  HA  behind cs2 as a840410000000002",
    ]
    devices("change", "lw1", "--profile", "lorawan-any", "--gateway", "")
    assert "lw1  lorawan-any  -  HA  as a840410000000001" in devices("list", "lw1")
    assert "act 2  change" in devices("show", "lw1")
    devices("undo", "2")
    devices("undo", "1")
    assert devices("list", "lw1") == "lw1  lorawan-water-meter  -  HA  behind cs1 as a840410000000001\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["commission", "w-9", "--unit", "1-1-0101"], "no such device"),
        (["commission", "w-1", "--unit", "9-9"], "no such home in HA"),
        (["commission", "w-1"], "name a place"),
        (["commission", "w-1", "--unit", "1-1-0101", "--at", "soon"], "not a time"),
        (["register", "w-2", "--profile", "water-register", "--estate", "HX"], "no such estate"),
        (["register", "w-2", "--profile", "sun-dial", "--estate", "HA"], "no such profile"),
        (["undo", "77"], "no such act: 77"),
    ],
)
def test_what_is_refused_is_one_line(devices, arguments: list[str], words: str) -> None:
    devices("register", "w-1", "--profile", "water-register", "--estate", "HA")
    with pytest.raises(AnjuError, match=words):
        devices(*arguments)
