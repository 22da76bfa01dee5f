"""Plots say what is known and draw what is not."""

import re
from datetime import date
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from api.console.plots import parts, scale
from api.console.plots.hours import hours_plot, hours_spark
from api.console.plots.parts import Pin
from api.console.plots.profile import profile_plot
from api.console.plots.spark import spark
from api.console.plots.strip import strip_plot
from api.console.plots.year import Days, Use, Words, door_plot, smoothed, use_plot

MONTHS = [str(month) for month in range(1, 13)]
WORDS = Words(label="every day <of> a year", unit="kWh", before="before")
YEAR = Days(first=date(2025, 11, 25), count=365, claim=(337.0, 345.0))

values = arrays(
    float,
    st.integers(2, 60),
    elements=st.one_of(st.just(np.nan), st.floats(0, 1e6, allow_nan=False), st.just(0.0)),
)


def _tree(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawn))


def _count(drawn: str, css: str) -> int:
    return len(re.findall(rf'class="{css}"', str(drawn)))


def _bars(drawn: str, css: str) -> int:
    found = re.search(rf'class="{css}" d="([^"]*)"', str(drawn))
    return found[1].count("M") if found else 0


def test_a_day_without_data_is_hatched_and_has_no_bar() -> None:
    use = np.full(365, 8.0)
    use[100:103] = np.nan
    drawn = use_plot(YEAR, Use(values=use, installed=0), WORDS, css="p-elec")
    assert _bars(drawn, "p-elec") == 362
    assert re.search(r'class="p-gap" x="100" y="0" width="3"', str(drawn))


def test_a_known_zero_is_a_hairline_not_a_gap() -> None:
    drawn = use_plot(YEAR, Use(values=np.zeros(365), installed=0), WORDS, css="p-water")
    assert _bars(drawn, "p-water") == 365
    assert _count(drawn, "p-gap") == 0


def test_the_time_before_the_installation_is_not_a_gap() -> None:
    use = np.full(365, 8.0)
    use[:42] = np.nan
    drawn = use_plot(YEAR, Use(values=use, installed=42), WORDS, css="p-elec")
    assert re.search(r'class="p-pre" x="0" y="0" width="42"', str(drawn))
    assert _count(drawn, "p-gap") == 0
    assert "before" in str(drawn)


def test_a_claim_is_an_area() -> None:
    drawn = use_plot(YEAR, Use(values=np.ones(365), installed=0), WORDS, css="p-elec")
    assert re.search(r'class="p-claim" x="337" y="0" width="8"', str(drawn))


def test_a_single_tall_day_is_cut_and_said() -> None:
    use = np.full(365, 8.0)
    use[7] = 90.0
    top, highest = scale.top_of(use)
    assert highest == 90.0
    assert top < 20
    assert scale.top_of(np.full(365, 8.0))[1] is None


def test_the_label_is_escaped_and_names_the_picture() -> None:
    drawn = use_plot(YEAR, Use(values=np.ones(365), installed=0), WORDS, css="p-elec")
    tree = _tree(drawn)
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == "every day <of> a year"


def test_pins_of_one_day_stand_side_by_side() -> None:
    marks = [Pin(at=360, number=1), Pin(at=360, number=2), Pin(at=20, number=3)]
    drawn = parts.pins(marks, 365)
    assert drawn.count("<line") == 2
    # near the right edge the group grows to the left
    assert re.findall(r"translate\((-?\d+) 0\)", drawn) == ["0", "-18", "0"]


def test_entries_of_others_go_down() -> None:
    known, foreign = np.full(365, 3.0), np.zeros(365)
    foreign[350:] = 2.0
    drawn = door_plot(
        YEAR, known=known, foreign=foreign, installed=0, words=WORDS, up="up", down="down", months=MONTHS
    )
    assert _bars(drawn, "p-known") == 365
    assert _bars(drawn, "p-foreign") == 15
    assert re.search(r'class="p-foreign" d="M350 32v\d', str(drawn))
    assert re.search(r'class="p-known" d="M0 32v-\d', str(drawn))


def test_a_home_without_a_lock_is_drawn_as_such() -> None:
    nothing = np.full(365, np.nan)
    drawn = door_plot(
        YEAR, known=nothing, foreign=nothing, installed=365, words=WORDS, up="up", down="down", months=MONTHS
    )
    assert re.search(r'class="p-pre" x="0" y="0" width="365"', str(drawn))
    assert "▲" not in str(drawn)


def test_quiet_and_unknown_days_look_different() -> None:
    states = np.array([1.0, 0.0, np.nan, 0.0])
    drawn = strip_plot(
        [("el.", states, 0)], away=np.zeros(4, bool), claim=(1.0, 2.0), label="signs", ticks=[(0, "1")]
    )
    assert _bars(drawn, "p-alive") == 1
    assert _bars(drawn, "p-quiet") == 2
    assert _count(drawn, "p-gap") == 1


def test_a_week_without_data_breaks_the_line() -> None:
    weeks = np.array([1.0, 2.0, np.nan, 2.0, 3.0])
    line = re.search(r'class="p-spark" d="([^"]*)"', str(spark(weeks)))
    assert line is not None
    assert line[1].count("M") == 2


def test_a_profile_without_an_hour_has_no_line_across_it() -> None:
    before, after = np.ones(24), np.ones(24)
    after[5] = np.nan
    drawn = profile_plot(
        before, after, before * 0.5, before * 2, water=False, label="day", unit="kW", midnight="0:00"
    )
    line = re.search(r'class="p-after" d="([^"]*)"', str(drawn))
    assert line is not None
    assert line[1].count("M") == 2


def test_months_on_a_phone_are_every_third() -> None:
    drawn = parts.month_axis(date(2025, 11, 25), 365, MONTHS, y=64)
    assert drawn.count("<g>") == 4
    assert drawn.count("narrow-hide") == 8


@pytest.mark.parametrize("top", [0.03, 0.5, 1.0, 1.75, 4.6, 9.9, 36, 640, 100_000])
def test_an_axis_has_two_to_four_round_rules(top: float) -> None:
    found = scale.rules(top)
    assert 1 <= len(found) <= 4
    assert found[-1] <= top * 1.000001
    assert all(f"{value:g}"[0] in "123456789" or value < 1 for value in found)


def test_smoothing_keeps_what_nobody_knows_unknown() -> None:
    curve = np.full(40, np.nan)
    curve[:10] = 2.0
    soft = smoothed(curve)
    assert np.allclose(soft[:10], 2.0)
    assert np.isnan(soft[20:]).all()


@given(values, st.one_of(st.none(), st.tuples(st.integers(-5, 80), st.integers(-5, 80))))
def test_any_hours_can_be_drawn(hours: np.ndarray, run: tuple[int, int] | None) -> None:
    for drawn in (
        hours_spark(hours, run=run, label="l", left="a", right="b"),
        hours_plot(hours, run=run, label="l", unit="L", days=[(0, "d")]),
    ):
        assert "nan" not in str(drawn)
        assert "inf" not in str(drawn)
        _tree(drawn)


@given(values, st.integers(0, 60))
def test_any_days_can_be_drawn(use: np.ndarray, installed: int) -> None:
    days = Days(first=date(2026, 1, 1), count=use.size)
    installed = min(installed, use.size)
    low, high = use * 0.5, use * 2
    drawn = use_plot(
        days, Use(values=use, installed=installed, low=low, high=high), WORDS, css="p-elec", marks=[]
    )
    assert "nan" not in str(drawn)
    _tree(drawn)
    _tree(spark(use))
    bars, known = _bars(drawn, "p-elec"), int(np.isfinite(use).sum())
    assert bars == known
