from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from housing import verdicts
from housing.errors import (
    AnotherOpen,
    InvalidTransition,
    NoteRequired,
    NotFound,
    UnknownCode,
    VersionConflict,
)
from housing.leads import detail, list_leads, raise_leads
from housing.scope import EVERYTHING, Scope
from policy import load
from storage.pool import Connection, connect
from tests.estates import NOW, SWEPT, add_signal, build_estates

BOOKS = {"anhe": load("anhe")}
OUTCOMES = ("confirmed", "refuted", "dismissed", "reopened")


@pytest.fixture
def lead_id(connection: Connection) -> int:
    add_signal(connection, build_estates(connection)["HA"][0])
    raise_leads(connection, books=BOOKS, now=NOW)
    connection.commit()
    (lead,) = list_leads(connection, scope=EVERYTHING)
    return lead.id


def _decide(connection: Connection, lead_id: int, version: int, outcome: str, **changed: object):
    given_ = {
        "code": next((code.code for code in verdicts.codes_for(outcome)), "seen"),
        "source": "visit",
        "by": "li",
        "now": NOW,
        "scope": EVERYTHING,
        **changed,
    }
    return verdicts.record(connection, lead_id=lead_id, version=version, outcome=outcome, **given_)  # pyright: ignore[reportArgumentType]


def test_a_verdict_moves_the_lead_and_leaves_one_audit_entry(connection: Connection, lead_id: int) -> None:
    done = _decide(connection, lead_id, 1, "confirmed", note=" 两人在家 ")
    assert (done.status, done.version, done.permitted) == ("confirmed", 2, ("reopen",))
    lead = detail(connection, lead_id, scope=EVERYTHING)
    assert (lead.status, lead.version, lead.closed_at) == ("confirmed", 2, NOW)
    (verdict,) = verdicts.of_lead(connection, lead_id, scope=EVERYTHING)
    assert (verdict.outcome, verdict.code, verdict.source, verdict.by, verdict.note) == (
        "confirmed",
        "seen",
        "visit",
        "li",
        "两人在家",
    )
    (entry,) = connection.execute("SELECT actor, action, subject, detail FROM audit_log").fetchall()
    assert entry[:3] == ("account:li", "lead.confirm", f"lead:{lead_id}")
    assert entry[3]["from"] == "open"
    assert entry[3]["to"] == "confirmed"
    # What a person wrote may name people: it is not copied.
    assert "两人在家" not in str(entry)


def test_taking_a_verdict_back_opens_the_lead_and_keeps_the_verdict(
    connection: Connection, lead_id: int
) -> None:
    _decide(connection, lead_id, 1, "refuted")
    done = verdicts.reopen(
        connection, lead_id=lead_id, version=2, source="desk", by="wang", now=NOW, scope=EVERYTHING
    )
    assert (done.status, done.version) == ("open", 3)
    assert detail(connection, lead_id, scope=EVERYTHING).closed_at is None
    recorded = verdicts.of_lead(connection, lead_id, scope=EVERYTHING)
    assert [one.outcome for one in recorded] == ["refuted", "reopened"]


def test_a_stale_verdict_is_refused_and_leaves_no_trace(connection: Connection, lead_id: int) -> None:
    _decide(connection, lead_id, 1, "refuted")
    with pytest.raises(VersionConflict) as stale:
        _decide(connection, lead_id, 1, "confirmed")
    assert stale.value.current == 2
    assert len(verdicts.of_lead(connection, lead_id, scope=EVERYTHING)) == 1


def test_of_two_people_who_decide_at_once_one_is_told(dsn: str, connection: Connection, lead_id: int) -> None:
    def decide(outcome: str) -> str:
        with connect(dsn, name="test") as own:
            try:
                return _decide(own, lead_id, 1, outcome).status
            except VersionConflict:
                return "told"

    with ThreadPoolExecutor(2) as people:
        said = sorted(people.map(decide, ("confirmed", "refuted")))
    assert said in (["confirmed", "told"], ["refuted", "told"])


@pytest.mark.parametrize(
    ("outcome", "changed", "error"),
    [
        ("confirmed", {"code": "not_seen"}, UnknownCode),
        ("dismissed", {"code": "seen"}, UnknownCode),
        ("guilty", {"code": "seen"}, UnknownCode),
        ("confirmed", {"source": "rumour"}, UnknownCode),
        # "other" says nothing without words
        ("dismissed", {"code": "other", "note": "  "}, NoteRequired),
        ("confirmed", {"scope": Scope(estate_ids=(999_999,))}, NotFound),
    ],
)
def test_what_is_not_in_the_closed_lists_or_not_in_scope_is_refused(
    connection: Connection, lead_id: int, outcome: str, changed: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _decide(connection, lead_id, 1, outcome, **{"code": "seen", **changed})
    assert detail(connection, lead_id, scope=EVERYTHING).version == 1


def test_reopening_beside_a_newer_open_lead_is_refused(connection: Connection, lead_id: int) -> None:
    _decide(connection, lead_id, 1, "refuted")
    lead = detail(connection, lead_id, scope=EVERYTHING)
    later = timedelta(days=400)  # past the rest
    add_signal(connection, lead.unit_id, as_of=SWEPT + later, since=NOW + later / 2)
    assert raise_leads(connection, books=BOOKS, now=NOW + later) == 1
    with pytest.raises(AnotherOpen):
        _decide(connection, lead_id, 2, "reopened")
    assert detail(connection, lead_id, scope=EVERYTHING).status == "refuted"


@pytest.mark.parametrize(
    "change", ["UPDATE verdict SET note = 'x'", "DELETE FROM verdict", "TRUNCATE verdict"]
)
def test_a_recorded_verdict_never_changes(connection: Connection, lead_id: int, change: str) -> None:
    _decide(connection, lead_id, 1, "refuted")
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(change)  # pyright: ignore[reportArgumentType]


def test_without_an_audit_entry_there_is_no_verdict(connection: Connection, lead_id: int) -> None:
    connection.execute("ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    connection.commit()
    with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
        _decide(connection, lead_id, 1, "refuted")
    assert detail(connection, lead_id, scope=EVERYTHING).status == "open"


@given(tried=st.lists(st.tuples(st.sampled_from(OUTCOMES), st.booleans()), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_try_the_lead_follows_the_table(
    connection: Connection, lead_id: int, tried: list[tuple[str, bool]]
) -> None:
    with connection.transaction(force_rollback=True):
        state, version, recorded = "open", 1, 0
        for outcome, fresh in tried:
            following = verdicts.TRANSITIONS.get((state, verdicts.ACTIONS[outcome]))
            sent = version if fresh else version + 1
            if not fresh:
                with pytest.raises(VersionConflict):
                    _decide(connection, lead_id, sent, outcome)
            elif following is None:
                with pytest.raises(InvalidTransition) as refused:
                    _decide(connection, lead_id, sent, outcome)
                assert refused.value.action not in verdicts.permitted(state)
            else:
                done = _decide(connection, lead_id, sent, outcome)
                state, version, recorded = following, version + 1, recorded + 1
                assert (done.status, done.version) == (state, version)
            lead = detail(connection, lead_id, scope=EVERYTHING)
            assert (lead.status, lead.version) == (state, version)
            assert (lead.closed_at is None) == (state == "open")
        assert len(verdicts.of_lead(connection, lead_id, scope=EVERYTHING)) == recorded
        audited = connection.execute("SELECT count(*) FROM audit_log").fetchone()
        assert audited == (recorded,)
