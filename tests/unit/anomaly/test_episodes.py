"""Signals of evenings become one lead an episode."""

from datetime import UTC, date, datetime, timedelta

from anomaly.episodes import Lead, Said, follow

DAY = timedelta(days=1)


def _said(
    day: int, since: float, *, hours: float | None = None, unit: str = "h-1", score: float = 0.5
) -> Said:
    evening = datetime(2025, 3, 1, 16, tzinfo=UTC) + day * DAY
    return Said(
        unit=unit,
        kind="leak",
        as_of=date(2025, 3, 1) + day * DAY,
        evening=evening,
        at=evening,
        since=datetime(2025, 3, 1, 16, tzinfo=UTC) + since * DAY,
        score=score,
        evidence=f"since day {since}",
        hours=hours,
    )


def _opened(leads: list[Lead]) -> list[tuple[str, int]]:
    return [(lead.unit, (lead.at - datetime(2025, 3, 1, 16, tzinfo=UTC)).days) for lead in leads]


def test_an_episode_is_one_lead_that_keeps_what_it_said_first() -> None:
    [lead] = follow([], [_said(5, 4), _said(6, 4, score=0.9), _said(9, 3)])
    assert (lead.score, lead.evidence, lead.last_as_of) == (0.5, "since day 4", date(2025, 3, 10))


def test_a_claim_that_begins_after_a_break_is_another_episode() -> None:
    assert _opened(follow([], [_said(5, 4), _said(20, 19)])) == [("h-1", 5), ("h-1", 20)]


def test_evening_after_evening_is_one_episode_wherever_its_start_moves() -> None:
    assert _opened(follow([], [_said(5, 4), _said(6, 5.5), _said(7, 6.5)])) == [("h-1", 5)]


def test_hours_that_do_not_reach_back_show_a_pause() -> None:
    assert _opened(follow([], [_said(5, 4, hours=24), _said(6, 5.3, hours=16)])) == [("h-1", 5), ("h-1", 6)]
    assert _opened(follow([], [_said(5, 4, hours=24), _said(6, 5.3, hours=24)])) == [("h-1", 5)]


def test_later_evenings_may_come_in_another_call() -> None:
    said = [_said(5, 4), _said(6, 4, unit="h-2"), _said(7, 4), _said(20, 19)]
    at_once = follow([], said)
    assert follow(follow([], said[:2]), said[2:]) == at_once
    assert _opened(at_once) == [("h-1", 5), ("h-2", 6), ("h-1", 20)]
