"""What pages say of leads: strength in words, evidence in order, the unknown as unknown."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from api.console.texts import catalogue
from api.console.views import leads as leads_view
from api.console.views.board import tile_word
from api.console.views.common import band_of, evidence_rows, sentence, sources_of, unknowns
from api.console.views.hours import Hours
from api.console.views.lead import form_of
from housing.board import Tile
from housing.leads import QueuedLead
from housing.queue import Month
from policy import load

ZH, EN = catalogue("zh"), catalogue("en")
NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
TODAY = date(2026, 11, 24)
BANDS, LEAK = load("anhe").on(TODAY).bands, load("anhe").on(TODAY).leak

EVIDENCE: list[dict[str, object]] = [
    {
        "code": "top",
        "weight": 3,
        "zh": "上",
        "en": "top",
        "source": "energy",
        "from": "2026-09-01",
        "to": "2026-11-23",
    },
    {"code": "none", "weight": 0, "zh": "缺", "en": "missing", "source": "door", "from": None, "to": None},
    {"code": "but", "weight": -1, "zh": "但", "en": "but", "source": "register", "from": "2026-08-03"},
]

LEAD = QueuedLead(
    id=7,
    unit_id=3,
    unit="3-2-0703",
    estate_id=1,
    estate="hean",
    building="3",
    kind="vacancy",
    status="open",
    opened_at=NOW,
    last_signal_at=NOW,
    last_as_of=date(2026, 11, 23),
    since=datetime(2026, 8, 31, 16, tzinfo=UTC),
    since_pm_days=4.0,
    score=0.9,
    evidence=EVIDENCE,
    quality={
        "sources": {"energy": {"known_days": 81, "days": 84}},
        "unknown": [{"zh": "不明", "en": "unclear"}],
    },
    detector="idle/1",
    policy="anhe",
    closed_at=None,
    version=1,
    time_zone="Asia/Shanghai",
    city="anhe",
    newest_sweep=date(2026, 11, 23),
    found_now=True,
    spark=[None] * 26,
    also=[],
)

TILE = Tile(
    unit_id=3,
    unit="3-2-0703",
    building="3",
    building_name="",
    stair="2",
    floor=7,
    door="0703",
    state="calm",
    since=None,
    lead_id=None,
    lead_kind=None,
    heard_at=NOW,
    is_silent=False,
    silent_channels=[],
    away_until=None,
    away_reason=None,
)


@pytest.mark.parametrize(
    ("changes", "band"),
    [
        ({}, "high"),
        ({"score": BANDS.mid_from}, "mid"),
        ({"score": BANDS.mid_from - 0.01}, "low"),
        ({"kind": "leak", "score": 0.1}, "hazard"),
        # what the newest sweep no longer finds presses nobody
        ({"kind": "leak", "found_now": False}, "over"),
        ({"kind": "leak", "stopped_at": NOW}, "over"),
        ({"kind": "leak", "stopped_at": NOW, "status": "confirmed"}, "hazard"),
        ({"found_now": False}, "mid"),
        # a decided one is said as it was
        ({"found_now": False, "status": "refuted"}, "high"),
    ],
)
def test_strength_is_a_word(changes: dict[str, object], band: str) -> None:
    assert band_of(replace(LEAD, **changes), BANDS) == band  # pyright: ignore[reportArgumentType]


def test_evidence_is_numbered_and_a_missing_source_is_not() -> None:
    rows = evidence_rows(ZH, LEAD, today=TODAY)
    assert [(row.number, row.sign, row.text) for row in rows] == [
        (1, "+++", "上"),
        (2, "−", "但"),
        (None, "0", "缺"),
    ]
    assert rows[0].where == "电表 · 09-01 至 11-23 · 81/84天有数据"
    assert rows[1].where == "登记信息 · 08-03"
    assert rows[2].where == "缺少的来源不加分也不减分"


def test_the_sentence_comes_in_the_readers_language() -> None:
    assert (sentence(ZH, LEAD), sentence(EN, LEAD)) == ("上", "top")
    assert sentence(ZH, replace(LEAD, evidence=[])) == ""


def test_only_sources_that_speak_for_it_are_named() -> None:
    assert sources_of(LEAD) == ["energy"]


def test_what_is_not_known_is_always_said() -> None:
    assert unknowns(ZH, LEAD)[0] == "不明"
    assert unknowns(ZH, replace(LEAD, quality={})) == [ZH("lead.unknown_why")]


def test_the_queue_leads_on_to_the_next_page_and_counts_what_is_there() -> None:
    view = leads_view.view(
        ZH,
        [replace(LEAD, id=id_) for id_ in (9, 8, 7)],
        status="open",
        counts={"open": 10, "decided": 1},
        estates=[],
        estate="hean",
        bands={"anhe": BANDS},
        months=[],
        lots=[],
        skipped=3,
        limit=3,
        now=NOW,
    )
    assert [row.rank for row in view.rows] == ["4", "5", "6"]
    assert (view.more, view.more_href) == (3, "/leads?estate=hean&after=7&skipped=6")
    assert [choice.current for choice in view.filters] == [True, False]


def test_the_months_visits_end_at_a_line_and_hazards_use_none_up() -> None:
    month = Month(
        estate_id=1,
        first=date(2026, 11, 1),
        homes=100,
        capacity=8,
        by_lot=1,
        visited=3,
        lots_waiting=1,
        next=(8, 7),
        left_out={"capacity": 1, "gone": 0, "resting": 2},
    )

    def shown(*months: Month, status: str = "open") -> leads_view.LeadsView:
        return leads_view.view(
            EN,
            [replace(LEAD, id=9, kind="leak"), *(replace(LEAD, id=id_) for id_ in (8, 7, 6))],
            status=status,
            counts={"open": 4, "decided": 4},
            estates=[],
            estate=None,
            bands={"anhe": BANDS},
            months=months,
            lots=[replace(LEAD, id=5, kind="lot", unit="3-1-0101")],
            skipped=0,
            limit=25,
            now=NOW,
        )

    one = shown(month)
    assert one.cut == 3
    assert [lot.unit for lot in one.lots] == ["3-1-0101"]
    assert one.month is not None
    assert (one.month.capacity, one.month.visited, one.month.suggested, one.month.by_lot) == (8, 3, 2, 1)
    assert one.month.bar == (37.5, 25.0, 12.5)
    assert one.month.left_out == (
        "1 flat beyond the visits there are",
        "2 flats that somebody decided about lately",
    )
    assert one.month.next_month == "1 Dec"
    both = shown(month, replace(month, estate_id=2))
    assert both.cut is None
    assert both.month is not None
    assert both.month.capacity == 16
    assert (shown(month, status="decided").month, shown(month, status="decided").lots) == (None, ())
    assert shown(replace(month, next=(8, 7, 6))).cut is None


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"state": "hazard", "lead_kind": "leak", "lead_id": 1}, "用水26h", "flow 26h"),
        ({"state": "hazard", "lead_kind": "leak", "lead_id": 2}, "用水6天", "flow 6d"),
        ({"state": "hazard", "lead_kind": "leak", "lead_id": 3}, "用水", "flow"),
        ({"state": "high", "lead_kind": "vacancy"}, "空置", "empty"),
        ({"state": "mid", "lead_kind": "of the next version"}, "", ""),
        ({"state": "silent", "since": NOW - timedelta(hours=40)}, "40小时", "40 h"),
        ({"state": "silent", "since": NOW - timedelta(days=3)}, "3天", "3 d"),
        ({"state": "device", "silent_channels": [2, 1]}, "水表", "water"),
        ({"state": "device", "silent_channels": [0]}, "门锁", "lock"),
        ({"state": "device", "silent_channels": [30]}, "设备", "device"),
        ({"state": "none"}, "未装", "none"),
        ({"state": "pause", "away_reason": "住院"}, "报备", "away"),
        ({}, "", ""),
    ],
)
def test_a_tile_says_why_in_a_word(changes: dict[str, object], zh: str, en: str) -> None:
    tile = replace(TILE, **changes)  # pyright: ignore[reportArgumentType]
    runs = {1: 26.0, 2: 150.0}
    assert (tile_word(ZH, tile, runs, NOW), tile_word(EN, tile, runs, NOW)) == (zh, en)


def test_a_run_ends_with_an_hour_without_flow_or_a_gap_too_long() -> None:
    first, rules = NOW - timedelta(hours=9), replace(LEAK, flow_l=1.0, bridge_hours=2)
    ran = Hours(first=first, values=np.array([0, 5, 5, np.nan, np.nan, 5, 5, 5, 5.0]))
    assert ran.run(first + timedelta(hours=1), rules) == (1, 9)
    assert ran.run(first + timedelta(hours=1), replace(rules, bridge_hours=1)) == (1, 3)
    assert ran.run(first - timedelta(days=9), rules) == (0, 0)
    assert ran.run(NOW + timedelta(hours=1), rules) is None
    paused = Hours(first=first, values=np.array([5, 5, 0.4, 5]))
    assert paused.run(first, rules) == (0, 2)
    assert paused.run(first, replace(rules, flow_l=0.1)) == (0, 4)
    assert ran.unknown == 2


def test_hours_without_data_prove_no_flow() -> None:
    hours = Hours(first=NOW, values=np.array([5.0, np.nan, np.nan, 5, 5, 5]))
    assert hours.mostly_known((0, 6))
    assert not hours.mostly_known((0, 3))
    assert not hours.mostly_known((2, 2))


def test_a_row_says_all_reasons_of_its_home_and_that_a_flow_is_over() -> None:
    also: list[dict[str, object]] = [{"zh": "另有", "en": "besides"}]
    leads = [replace(LEAD, also=also), replace(LEAD, kind="leak", stopped_at=NOW - timedelta(hours=3))]
    first, over = leads_view.view(
        ZH,
        leads,
        status="open",
        counts={"open": 2, "decided": 0},
        estates=[],
        estate=None,
        bands={"anhe": BANDS},
        months=[],
        lots=[],
        skipped=0,
        limit=25,
        now=NOW,
    ).rows
    assert (first.also, first.over) == (("另有",), "")
    assert (over.band, over.over, over.gone) == ("over", "止于 12:42", False)


def test_a_tile_of_a_flow_that_is_over_says_so() -> None:
    tile = replace(TILE, state="mid", lead_id=7, lead_kind="leak", stopped_at=NOW)
    assert tile_word(ZH, tile, {7: 26.0}, NOW) == "已停"
    assert tile_word(EN, replace(tile, state="hazard"), {7: 26.0}, NOW) == "flow 26h"


def test_a_verdict_after_looking_needs_words_and_a_dismissal_a_reason() -> None:
    seen, dismissed = form_of(ZH, LEAD, "confirm"), form_of(ZH, LEAD, "dismiss")
    assert seen.note_required
    assert [source.code for source in seen.sources] == ["desk", "visit", "call"]
    assert not seen.codes
    assert not dismissed.note_required
    assert "other" in {code.code for code in dismissed.codes}
