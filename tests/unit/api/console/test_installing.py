"""Words that depend on what a device meters, and what a correction would compute again."""

from datetime import date, timedelta

import pytest

from api.console.texts import catalogue
from api.console.views.kinds import meter_kind
from api.console.views.registry import CorrectForm, preview_view
from devices.bindings import Effect
from devices.lifecycle import Preview
from housing.withdrawals import Affected
from wire.channels import BY_NAME, EVENTS

FIRST = date(2026, 10, 1)
UNITS = {1: "1-1-0101", 2: "1-1-0102"}


@pytest.mark.parametrize(
    ("channels", "kind"),
    [
        (["energy_kwh", "power_w", "voltage_v"], "power"),
        (["water_l", "flow_l_h"], "water"),
        (["hot_water_l", "flow_l_h"], "hot"),
        (["gas_m3"], "gas"),
        (["heat_kwh", "water_l", "flow_l_h"], "heat"),
        (["power_w"], "power"),
        (["flow_l_h"], "water"),
        (["gas_m3", "heat_kwh", "hot_water_l", "water_l"], "other"),
        (["temperature_c"], "other"),
        ([], "other"),
    ],
)
def test_the_kind_of_a_meter_follows_from_its_channels(channels: list[str], kind: str) -> None:
    assert meter_kind([EVENTS, *(BY_NAME[name].code for name in channels)]) == kind


def effect(unit_id: int, days: int, *, channel: int = 1, later: int = 0) -> Effect:
    first = FIRST + timedelta(days=later)
    return Effect(
        unit_id=unit_id, channel=channel, first=first, last=first + timedelta(days=days - 1), days=days
    )


@pytest.mark.parametrize(
    ("effects", "zh", "en"),
    [
        (
            [effect(1, 56), effect(2, 56), effect(2, 56, channel=2)],
            "涉及 1-1-0101、1-1-0102：2户 × 56天的用量要重算。",
            "It concerns 1-1-0101, 1-1-0102: 2 homes × 56 days of use are computed again.",
        ),
        (
            [effect(1, 1)],
            "涉及 1-1-0101：1户 × 1天的用量要重算。",
            "It concerns 1-1-0101: 1 home × 1 day of use are computed again.",
        ),
        (
            [effect(1, 56), effect(2, 1), effect(1, 2, later=60)],
            "涉及 1-1-0101（58天）、1-1-0102（1天），这些天的用量要重算。",
            "It concerns 1-1-0101 (58 days), 1-1-0102 (1 day): the use of these days is computed again.",
        ),
        ([], "没有用量要重算。", "No use has to be computed again."),
    ],
)
def test_a_correction_says_homes_and_days(effects: list[Effect], zh: str, en: str) -> None:
    shown = Preview(
        seen="s",
        before=(),
        after=(),
        effects=tuple(effects),
        devices={},
        retires=(),
        revives=(),
        links_before=(),
        links_after=(),
        changes_anything=True,
    )
    for language, text in (("zh", zh), ("en", en)):
        view = preview_view(
            catalogue(language), shown, CorrectForm(), leads=Affected(open=0, decided=0), units=UNITS
        )
        assert view.text == text
