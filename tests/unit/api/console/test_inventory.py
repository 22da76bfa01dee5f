"""The list of devices in words: what is well has no mark, and only what fails is struck."""

from datetime import UTC, datetime, timedelta

import pytest

from api.console.texts import catalogue
from api.console.views import inventory
from api.console.views import kinds as kinds_of
from devices.overview import Overseen
from devices.profiles import load_profiles

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
ZH, EN = catalogue("zh"), catalogue("en")


def device(**changes: object) -> Overseen:
    well: dict[str, object] = {
        "code": "e-1",
        "serial": "7001",
        "profile": "energy-register",
        "estate": "hean",
        "active": True,
        "units": ["3-2-0703"],
        "unit_ids": [3],
        "entrances": [],
        "heard_at": NOW - timedelta(minutes=12),
        "faults": [],
    }
    return Overseen(**(well | changes))  # pyright: ignore[reportArgumentType]


def rows(*found: Overseen, linked: bool = True) -> tuple[inventory.Row, ...]:
    return inventory.list_view(
        ZH, found, find="", kind="", state="all", more=False, linked=linked, now=NOW
    ).rows


@pytest.mark.parametrize(
    ("changes", "icon", "state"),
    [
        ({}, "", "正常"),
        ({"active": False}, "device", "已停用"),
        ({"active": False, "faults": ["offline"]}, "device", "已停用"),
        ({"faults": ["late", "offline"]}, "silent", "未上报"),
        ({"faults": ["low_battery", "late"]}, "device", "数据迟到"),
        ({"units": [], "unit_ids": []}, "none", "未安装"),
        ({"heard_at": None}, "silent", "从未上报"),
    ],
)
def test_only_what_is_retired_or_fails_is_struck(changes: dict[str, object], icon: str, state: str) -> None:
    (row,) = rows(device(**changes))
    assert (row.icon, row.state) == (icon, state)


def test_a_row_says_kind_home_and_age() -> None:
    (row,) = rows(device())
    assert (row.kind, row.places, row.heard) == ("电表", (("3-2-0703", "/units/3"),), "12分钟前")
    (row,) = rows(device(entrances=["gate-1"], heard_at=None), linked=False)
    assert (row.places, row.heard) == ((("3-2-0703", ""), ("gate-1", "")), "")


def test_filters_keep_what_is_looked_for() -> None:
    view = inventory.list_view(
        EN, [device()], find="703", kind="power", state="fault", more=True, linked=True, now=NOW
    )
    assert view.more_href == "/devices?find=703&kind=power&state=fault&after=e-1"
    assert [one.href for one in view.filters if one.current] == ["/devices?find=703&kind=power&state=fault"]
    assert view.filters[0].href == "/devices?find=703&kind=power"


def test_every_profile_has_a_kind() -> None:
    kinds = {name: kinds_of.kind_of(profile) for name, profile in load_profiles().items()}
    assert set(kinds.values()) == set(kinds_of.KINDS)
    assert kinds["lock-native"] == kinds["gate-native"] == "door"
    assert kinds["hazard-native"] == kinds["z2m-leak"] == "detector"
    assert kinds["water-register"] == "water"
    assert kinds["cjt188-heat"] == "heat"
    assert kinds["obis-utility"] == "several", "which of them it is only its readings tell"
    assert kinds["home-native"] == "several", "a box with two meters is no lock"
    assert "energy-register" in (kinds_of.profiles_of("power") or ())
    assert kinds_of.profiles_of("") is None
