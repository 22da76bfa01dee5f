from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from housing import verdicts
from housing.errors import NotFound
from housing.leads import Lead, counts, detail, list_leads, position, queue, raise_leads, waiting
from housing.scope import EVERYTHING, Scope
from policy import load
from policy.book import PolicyBook
from policy.periods import Period
from storage import watermark
from storage.pool import Connection, connect
from tests.estates import NOW, SWEPT, TODAY, add_signal, build_estates, estate_id
from tests.waiting import wait_until

BOOKS = {"anhe": load("anhe")}
DAY = timedelta(days=1)


def test_a_signal_opens_one_lead_and_repeating_the_sweep_opens_no_other(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    assert raise_leads(connection, books=BOOKS, now=NOW) == 1
    assert raise_leads(connection, books=BOOKS, now=NOW) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.unit_id, lead.kind, lead.status, lead.opened_at) == (unit_id, "vacancy", "open", NOW)
    assert lead.evidence[0]["zh"] == "60天中有54天没有生活迹象"
    assert lead.found_now
    assert lead.newest_sweep == SWEPT


def test_without_a_sweep_nothing_is_raised(connection: Connection) -> None:
    build_estates(connection)
    assert raise_leads(connection, books=BOOKS, now=NOW) == 0
    assert raise_leads(connection, books={}, now=NOW) == 0


def test_an_open_lead_takes_over_newer_evidence_but_keeps_its_version(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, as_of=SWEPT - DAY, score=0.5)
    raise_leads(connection, books=BOOKS, now=NOW - DAY)
    add_signal(connection, unit_id, score=0.8, numbers=[55])
    assert raise_leads(connection, books=BOOKS, now=NOW) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.score, lead.last_as_of, lead.version) == (pytest.approx(0.8), SWEPT, 1)
    assert lead.evidence[0]["numbers"] == {"days": [55]}


def test_late_data_that_shows_life_leaves_the_lead_open_and_says_so(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    connection.execute("DELETE FROM signal")
    watermark.advance(connection, "sweep", NOW, {"last": SWEPT.isoformat()})
    assert raise_leads(connection, books=BOOKS, now=NOW) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.status, lead.found_now, lead.newest_sweep) == ("open", False, SWEPT)
    (queued,) = queue(connection, scope=EVERYTHING, today=TODAY)
    assert not queued.found_now


@pytest.mark.parametrize("outcome", ["confirmed", "refuted", "dismissed"])
def test_what_a_person_closed_stays_closed_while_the_episode_goes_on(
    connection: Connection, outcome: str
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, outcome)
    for days in range(1, 4):
        add_signal(connection, unit_id, as_of=SWEPT + days * DAY)
        assert raise_leads(connection, books=BOOKS, now=NOW + days * DAY) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.status, lead.last_as_of) == (outcome, SWEPT)


def test_an_episode_that_started_after_the_closing_is_a_new_lead(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind="leak")
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "confirmed")
    add_signal(connection, unit_id, kind="leak", as_of=SWEPT + 5 * DAY, since=NOW + 4 * DAY)
    assert raise_leads(connection, books=BOOKS, now=NOW + 5 * DAY) == 1
    newer, older = list_leads(connection, scope=EVERYTHING)
    assert (newer.status, older.status) == ("open", "confirmed")


@pytest.mark.parametrize("kind", ["vacancy", "leak"])
@pytest.mark.parametrize("outcome", ["confirmed", "refuted", "dismissed"])
def test_an_unbroken_run_is_never_asked_again_wherever_its_claimed_start_moves(
    connection: Connection, outcome: str, kind: str
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind=kind)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, outcome)
    for days in range(1, 41):
        since = NOW + (days - 1) * DAY if days % 2 else None
        add_signal(connection, unit_id, kind=kind, as_of=SWEPT + days * DAY, since=since)
        if kind == "leak":
            _count_hours(connection, 24 * (days + 3))
    for days in (1, 2, 3, 40):
        # as of that evening: what came later was not there
        connection.execute("SAVEPOINT evening")
        connection.execute("DELETE FROM signal WHERE as_of > %s", [SWEPT + days * DAY])
        assert raise_leads(connection, books=BOOKS, now=NOW + days * DAY) == 0
        connection.execute("ROLLBACK TO evening")


def test_a_run_that_was_missed_for_an_evening_still_reaches_back_to_its_verdict(
    connection: Connection,
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind="leak")
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "refuted")
    add_signal(connection, unit_id, kind="leak", as_of=SWEPT + 3 * DAY)
    assert raise_leads(connection, books=BOOKS, now=NOW + 3 * DAY) == 0


@pytest.mark.parametrize("outcome", ["confirmed", "refuted", "dismissed"])
def test_a_hazard_that_ended_and_began_again_is_asked_at_once(connection: Connection, outcome: str) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind="leak")
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, outcome)
    add_signal(connection, unit_id, kind="leak", as_of=SWEPT + 3 * DAY, since=NOW + DAY)
    assert raise_leads(connection, books=BOOKS, now=NOW + 3 * DAY) == 1


def test_water_that_paused_after_the_repair_is_another_run_though_no_evening_was_without_one(
    connection: Connection,
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind="leak")
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "confirmed")
    for days in (1, 2):
        add_signal(connection, unit_id, kind="leak", as_of=SWEPT + days * DAY, since=NOW + DAY / 4)
    _count_hours(connection, 26)
    assert raise_leads(connection, books=BOOKS, now=NOW + 2 * DAY) == 1


def test_a_hazard_that_began_between_the_last_evening_found_and_the_verdict_is_asked(
    connection: Connection,
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, kind="leak", as_of=SWEPT - 5 * DAY)
    raise_leads(connection, books=BOOKS, now=NOW - 5 * DAY)
    _close(connection, "refuted")
    add_signal(connection, unit_id, kind="leak", since=NOW - DAY)
    assert raise_leads(connection, books=BOOKS, now=NOW) == 1


@pytest.mark.parametrize(
    ("outcome", "first_day"),
    [
        ("refuted", 366),
        ("dismissed", 61),
        ("confirmed", 10),
    ],
)
def test_another_episode_of_an_inspection_kind_waits_for_the_policys_rest(
    connection: Connection, outcome: str, first_day: int
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, outcome)
    opened = []
    for days in (10, 11, 59, 61, 364, 366):
        # life in between: no signal on the evenings before; it claims to have begun this week
        add_signal(connection, unit_id, as_of=SWEPT + days * DAY, since=NOW + (days - 7) * DAY)
        if raise_leads(connection, books=BOOKS, now=NOW + days * DAY):
            opened.append(days)
    assert opened == [first_day]


def test_after_a_refutation_it_takes_more_to_ask_again(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "refuted")
    bar = BOOKS["anhe"].on(TODAY).leads.bar_after_refuted
    later = NOW + 400 * DAY
    for as_of, score, opened in ((399, bar - 0.01, 0), (400, bar + 0.01, 1)):
        add_signal(connection, unit_id, as_of=SWEPT + as_of * DAY, since=NOW + 395 * DAY, score=score)
        assert raise_leads(connection, books=BOOKS, now=later) == opened


def test_a_dismissal_raises_no_bar(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "dismissed")
    add_signal(connection, unit_id, as_of=SWEPT + 99 * DAY, since=NOW + 95 * DAY, score=0.3)
    assert raise_leads(connection, books=BOOKS, now=NOW + 99 * DAY) == 1


def test_the_rest_is_the_policys(connection: Connection) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "refuted")
    add_signal(connection, unit_id, as_of=SWEPT + 3 * DAY, since=NOW + DAY / 2)
    leads = replace(BOOKS["anhe"].on(TODAY).leads, rest_after_refuted=Period(days=2))
    impatient = cast(PolicyBook, SimpleNamespace(on=lambda _day: SimpleNamespace(leads=leads)))
    assert raise_leads(connection, books={"anhe": impatient}, now=NOW + DAY) == 0
    assert raise_leads(connection, books={"anhe": impatient}, now=NOW + 3 * DAY) == 1


def test_a_sweep_over_history_opens_only_what_was_still_found_lately(connection: Connection) -> None:
    ended, running = build_estates(connection)["HA"][:2]
    look_back = BOOKS["anhe"].on(TODAY).leads.look_back_days
    add_signal(connection, ended, as_of=SWEPT - (look_back + 1) * DAY)
    add_signal(connection, running, as_of=SWEPT - look_back * DAY)
    add_signal(connection, running)
    assert raise_leads(connection, books=BOOKS, now=NOW) == 1
    assert [lead.unit_id for lead in list_leads(connection, scope=EVERYTHING)] == [running]


def test_pages_neither_skip_nor_repeat_while_leads_are_raised_and_refreshed(connection: Connection) -> None:
    units = build_estates(connection, units=6)["HA"]
    for unit_id in units[:5]:
        add_signal(connection, unit_id)
    raise_leads(connection, books=BOOKS, now=NOW)
    before = [lead.id for lead in list_leads(connection, scope=EVERYTHING)]
    first = list_leads(connection, scope=EVERYTHING, limit=2)
    add_signal(connection, units[0], as_of=SWEPT + DAY, score=0.9)
    add_signal(connection, units[5], as_of=SWEPT + DAY)
    raise_leads(connection, books=BOOKS, now=NOW + DAY)
    second = list_leads(connection, scope=EVERYTHING, limit=2, after_id=first[-1].id)
    third = list_leads(connection, scope=EVERYTHING, limit=2, after_id=second[-1].id)
    assert [lead.id for lead in first + second + third] == before


def test_the_queue_puts_hazards_before_the_rest_and_what_is_no_longer_found_last(
    connection: Connection,
) -> None:
    units = build_estates(connection, units=5)["HA"]
    add_signal(connection, units[0], score=0.9, as_of=SWEPT - DAY)
    add_signal(connection, units[1], score=0.7)
    add_signal(connection, units[2], score=0.8)
    add_signal(connection, units[3], score=0.3, kind="leak")
    add_signal(connection, units[4], score=0.8)
    raise_leads(connection, books=BOOKS, now=NOW)
    ordered = queue(connection, scope=EVERYTHING, today=TODAY)
    later, earlier = sorted((units[2], units[4]), reverse=True)  # of equal weight, the newer lead first
    assert [lead.unit_id for lead in ordered] == [units[3], later, earlier, units[1], units[0]]
    assert [lead.found_now for lead in ordered] == [True] * 4 + [False]
    paged: list[Lead] = []
    after = None
    while page := queue(connection, scope=EVERYTHING, today=TODAY, after=after, limit=2):
        paged += page
        after = page[-1]
    assert [lead.id for lead in paged] == [lead.id for lead in ordered]
    assert [position(connection, lead.id, scope=EVERYTHING) for lead in ordered] == [
        (place, 5) for place in range(1, 6)
    ]


def test_a_home_stands_once_in_the_queue_with_its_other_reasons(connection: Connection) -> None:
    both, one = build_estates(connection, units=2)["HA"]
    add_signal(connection, both, kind="vacancy", score=0.7)
    add_signal(connection, both, kind="idle_limit", score=0.6)
    add_signal(connection, one, kind="vacancy", score=0.5)
    raise_leads(connection, books=BOOKS, now=NOW)
    first, second = queue(connection, scope=EVERYTHING, today=TODAY)
    assert (first.unit_id, first.kind, second.unit_id) == (both, "idle_limit", one)
    other = next(
        lead for lead in list_leads(connection, scope=EVERYTHING, unit_id=both) if lead.kind == "vacancy"
    )
    assert (first.also, second.also) == ([other.evidence[0]], [])
    assert waiting(connection, scope=EVERYTHING) == 2
    assert position(connection, other.id, scope=EVERYTHING) == (1, 2)
    (asked,) = queue(connection, scope=EVERYTHING, today=TODAY, kind="vacancy", after=first, limit=1)
    assert asked.unit_id == one
    for lead in (first, other):
        verdicts.record(
            connection,
            lead_id=lead.id,
            version=1,
            outcome="confirmed",
            code="seen",
            source="visit",
            by="li",
            now=NOW,
            scope=EVERYTHING,
        )
    decided = queue(connection, scope=EVERYTHING, today=TODAY, statuses=("confirmed",))
    assert len(decided) == 2, "both records stand"
    assert [lead.also for lead in decided] == [[], []]


def test_sparklines_are_weekly_means_with_gaps_kept(connection: Connection) -> None:
    dry, wet = build_estates(connection)["HA"][:2]
    add_signal(connection, dry)
    add_signal(connection, wet, kind="leak")
    for unit_id in (dry, wet):
        for back, energy, water in ((1, 2.0, 50.0), (2, 4.0, 70.0), (15, 6.0, 90.0), (200, 99.0, 99.0)):
            connection.execute(
                "INSERT INTO unit_day (computed_at, day, unit_id, energy_kwh, water_l, energy_seen_h,"
                " water_seen_h, absent) VALUES (%s, %s, %s, %s, %s, 24, 24, false)",
                [NOW, TODAY - back * DAY, unit_id, energy, water],
            )
    raise_leads(connection, books=BOOKS, now=NOW)
    sparks = {lead.unit_id: lead.spark for lead in queue(connection, scope=EVERYTHING, today=TODAY)}
    assert sparks[dry] == [None] * 23 + [6.0, None, 3.0]
    assert sparks[wet] == [None] * 23 + [90.0, None, 60.0]


def test_a_reader_of_one_estate_sees_no_lead_of_another(connection: Connection) -> None:
    units = build_estates(connection)
    add_signal(connection, units["HA"][0])
    add_signal(connection, units["HB"][0])
    raise_leads(connection, books=BOOKS, now=NOW)
    scope = Scope(estate_ids=(estate_id(connection, "HB"),))
    (mine,) = list_leads(connection, scope=scope)
    assert mine.estate == "HB"
    assert [lead.estate for lead in queue(connection, scope=scope, today=TODAY)] == ["HB"]
    assert counts(connection, scope=scope)["open"] == {"vacancy": 1}
    assert counts(connection, scope=EVERYTHING)["open"] == {"vacancy": 2}
    (other,) = list_leads(connection, scope=EVERYTHING, estate="HA")
    with pytest.raises(NotFound):
        detail(connection, other.id, scope=scope)
    assert position(connection, other.id, scope=scope) is None


def test_filters_choose_by_status_kind_home_and_estate(connection: Connection) -> None:
    units = build_estates(connection)
    add_signal(connection, units["HA"][0])
    add_signal(connection, units["HA"][0], kind="leak")
    add_signal(connection, units["HB"][0])
    raise_leads(connection, books=BOOKS, now=NOW)
    _close(connection, "refuted", kind="leak")
    found = {
        name: len(list_leads(connection, scope=EVERYTHING, **chosen))
        for name, chosen in {
            "open": {"status": "open"},
            "refuted": {"status": "refuted"},
            "leak": {"kind": "leak"},
            "home": {"unit_id": units["HA"][0]},
            "estate": {"estate": "HB"},
            "none": {"estate": "HX"},
        }.items()
    }
    assert found == {"open": 2, "refuted": 1, "leak": 1, "home": 2, "estate": 1, "none": 0}


def _count_hours(connection: Connection, hours: int) -> None:
    """Let the newest signal say for how many hours the water has run."""
    connection.execute(
        "UPDATE signal SET evidence = jsonb_set(evidence, '{0,numbers,hours}', to_jsonb(%s::integer))"
        " WHERE as_of = (SELECT max(as_of) FROM signal)",
        [hours],
    )


def _close(connection: Connection, outcome: str, kind: str | None = None) -> None:
    (lead,) = list_leads(connection, scope=EVERYTHING, status="open", kind=kind)
    verdicts.record(
        connection,
        lead_id=lead.id,
        version=lead.version,
        outcome=outcome,
        code=verdicts.codes_for(outcome)[0].code,
        source="visit",
        by="li",
        now=NOW,
        scope=EVERYTHING,
    )


def test_a_lead_that_a_person_closes_while_a_sweep_waits_is_not_opened_again(
    dsn: str, connection: Connection
) -> None:
    unit_id = build_estates(connection)["HA"][0]
    add_signal(connection, unit_id, as_of=SWEPT - DAY)
    raise_leads(connection, books=BOOKS, now=NOW - DAY)
    add_signal(connection, unit_id)
    connection.commit()

    def sweep() -> int:
        with connect(dsn, name="sweep") as own:
            return raise_leads(own, books=BOOKS, now=NOW)

    with ThreadPoolExecutor(1) as worker:
        _close(connection, "refuted")
        opened = worker.submit(sweep)
        try:
            wait_until(lambda: _is_blocked(dsn), what="the sweep waits for the lead's row")
        finally:
            connection.commit()
        assert opened.result(10) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.status, lead.last_as_of) == ("refuted", SWEPT - DAY)


def _is_blocked(dsn: str) -> bool:
    with connect(dsn, name="looker") as looker:
        found = looker.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'anju sweep'"
            " AND wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
    return found == (1,)
