"""Steps through a feed: the leads follow what came, not how it was handed over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import policy
from anomaly import feed_state
from anomaly.episodes import Lead
from anomaly.errors import FeedRefused
from anomaly.feed_walk import Step, step
from tests.unit.anomaly import feeds
from tests.unit.anomaly.feeds import DAYS, START, ZONE, end_of

CITY = "anhe"
END = end_of(DAYS - 1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _step(folder: Path, kept: Path, until: datetime = END) -> Step:
    return step(folder, kept, until=until, book=policy.load(CITY), zone=ZONE)


def _whole(tmp_path: Path, given: feeds.Tables, name: str = "whole") -> Step:
    return _step(feeds.write_whole(tmp_path / name, given), tmp_path / f"{name}-state")


def _facts(leads: object, *, shift: timedelta = timedelta(0)) -> list[tuple[object, ...]]:
    assert isinstance(leads, (list, tuple))
    found: list[tuple[object, ...]] = []
    for lead in leads:
        assert isinstance(lead, Lead)
        found.append((lead.unit, lead.kind, lead.at + shift, lead.since + shift, round(lead.score, 9)))
    return found


@pytest.fixture(scope="module")
def given() -> feeds.Tables:
    return feeds.tables()


@pytest.fixture(scope="module")
def expected(given: feeds.Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lead, ...]:
    found = tuple(_whole(tmp_path_factory.mktemp("feed"), given).leads)
    assert {(lead.unit, lead.kind) for lead in found} >= {("h-1", "leak"), ("h-2", "vacancy")}
    return found


@pytest.mark.parametrize(
    "hours",
    [
        [*range(24 * 60, 24 * DAYS + 1, 24)],
        [*range(7 * 24, 24 * DAYS + 1, 7 * 24)],
        [300, 1001, 1002, 1500, 24 * DAYS],
    ],
    ids=["the last days one by one", "weeks", "at any hour"],
)
def test_steps_of_any_length_give_the_same_leads(
    given: feeds.Tables, expected: tuple[Lead, ...], hours: list[int], tmp_path: Path
) -> None:
    since, found = LONG_AGO, None
    for hour in hours:
        until = START + timedelta(hours=hour)
        feeds.write_step(tmp_path / "feed", given, since, until)
        before = [] if found is None else list(found.leads)
        found = _step(tmp_path / "feed", tmp_path / "state", until)
        moments = {(lead.unit, lead.kind, lead.at) for lead in found.leads}
        assert {(lead.unit, lead.kind, lead.at) for lead in before} <= moments
        since = until
    assert found is not None
    assert tuple(found.leads) == expected


def test_the_order_of_rows_and_repeated_rows_do_not_matter(
    given: feeds.Tables, expected: tuple[Lead, ...], tmp_path: Path
) -> None:
    def shuffled(table: pa.Table) -> pa.Table:
        return table.take(np.random.default_rng(1).permutation(table.num_rows))

    def four_times(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table] * 4)

    turned = feeds.each(given, shuffled, ["units", "readings", "events", "residents"])
    assert tuple(_whole(tmp_path, turned, "turned").leads) == expected
    doubled = feeds.each(given, four_times, ["readings", "events", "absences", "residents"])
    assert tuple(_whole(tmp_path, doubled, "doubled").leads) == expected


@pytest.mark.parametrize("weeks", [1, 30])
def test_leads_move_with_time_by_whole_weeks(expected: tuple[Lead, ...], weeks: int, tmp_path: Path) -> None:
    shift = timedelta(weeks=weeks)
    folder = feeds.write_whole(tmp_path / "feed", feeds.tables(shift=shift))
    found = _step(folder, tmp_path / "state", END + shift)
    assert _facts(found.leads) == _facts(expected, shift=shift)


def test_a_repeated_step_changes_nothing(
    given: feeds.Tables, expected: tuple[Lead, ...], tmp_path: Path
) -> None:
    folder = feeds.write_whole(tmp_path / "feed", given)
    _step(folder, tmp_path / "state")
    again = _step(folder, tmp_path / "state")
    assert (again.evenings, again.new) == (0, 0)
    assert tuple(again.leads) == expected


def test_a_home_that_is_listed_later_has_its_past(given: feeds.Tables, tmp_path: Path) -> None:
    """What came before it was listed is not lost; what is said of it is said from then on."""
    few = given | {"units": given["units"].slice(0, 2)}
    feeds.write_step(tmp_path / "feed", few, LONG_AGO, end_of(40))
    first = _step(tmp_path / "feed", tmp_path / "state", end_of(40))
    assert first.unlisted == ["h-2", "h-3"]
    pq.write_table(given["units"], tmp_path / "feed" / "units.parquet")
    feeds.write_step(tmp_path / "feed", given, end_of(40), END)
    found = _step(tmp_path / "feed", tmp_path / "state")
    assert found.unlisted == []
    assert ("h-2", "vacancy") in {(lead.unit, lead.kind) for lead in found.leads}


def test_odd_rows_are_left_out_and_counted(
    given: feeds.Tables, expected: tuple[Lead, ...], tmp_path: Path
) -> None:
    few = given["readings"].slice(0, 7)
    value = few.schema.get_field_index("value")
    nothing = few.set_column(value, "value", pa.array([float("nan"), None, float("inf"), *[-5.0] * 4]))
    place = few.schema.get_field_index("channel")
    foreign = few.set_column(place, "channel", pa.array(["gas_m3"] * 7))
    old = few.set_column(few.schema.get_field_index("ts"), "ts", pa.array([0] * 7).cast(few["ts"].type))
    event = given["events"].slice(0, 2)
    party = event.set_column(event.schema.get_field_index("type"), "type", pa.array(["party"] * 2))
    odd = given | {
        "readings": pa.concat_tables([nothing, foreign, old, given["readings"]]),
        "events": pa.concat_tables([party, given["events"]]),
    }
    found = _whole(tmp_path, odd)
    assert tuple(found.leads) == expected
    assert dict(found.left_out) == {
        "readings: no number": 3,
        "readings: energy_kwh outside 0 to 1e+08": 4,
        "readings: another channel than energy_kwh, water_l": 7,
        "readings: older than the policy believes": 7,
        "events: no type of ours": 2,
    }


@pytest.mark.parametrize(
    "values", [np.zeros(0), np.zeros(400), np.full(400, 0.2), np.arange(400.0)[::-1] / 400]
)
def test_a_home_with_odd_readings_draws_no_lead(
    given: feeds.Tables, values: np.ndarray, tmp_path: Path
) -> None:
    """Nothing at all, a year of zeros, of one value, a register that only falls."""
    readings = given["readings"].slice(0, values.size)
    at = readings.schema.get_field_index("value")
    readings = readings.set_column(at, "value", pa.array(values))
    quiet = given | {"readings": readings, "events": given["events"].slice(0, 0)}
    assert [lead for lead in _whole(tmp_path, quiet).leads if lead.kind != "idle_limit"] == []


def test_an_earlier_moment_and_another_feed_or_city_are_refused(given: feeds.Tables, tmp_path: Path) -> None:
    feeds.write_step(tmp_path / "feed", given, LONG_AGO, end_of(20))
    kept = tmp_path / "state"
    _step(tmp_path / "feed", kept, end_of(20))
    stands = (kept / "newest").read_text(encoding="utf-8")
    with pytest.raises(FeedRefused, match=r"stands at .*, after --until"):
        _step(tmp_path / "feed", kept, end_of(19))
    other = tmp_path / "other"
    feeds.write_step(other, given, LONG_AGO, end_of(21))
    with pytest.raises(FeedRefused, match="of another feed: it has read 20250321T1600"):
        _step(other, kept, end_of(21))
    with pytest.raises(FeedRefused, match="of city anhe, not elsewhere"):
        feed_state.load(kept, city="elsewhere", zone=ZONE, units=())
    (kept / stands.strip() / "Hours.amount.npy").write_bytes(b"")
    with pytest.raises(FeedRefused, match="is damaged"):
        _step(tmp_path / "feed", kept, end_of(20))


@pytest.mark.parametrize("name", ["readings", "events", "absences", "residents", "units"])
def test_a_missing_table_or_column_stops_the_step(given: feeds.Tables, name: str, tmp_path: Path) -> None:
    folder = feeds.write_whole(tmp_path / "feed", given)
    file = folder / f"{name}.parquet"
    pq.write_table(given[name].drop_columns(["unit_id"]), file)
    with pytest.raises(FeedRefused, match="no column unit_id; it has"):
        _step(folder, tmp_path / "state")
    pq.write_table(given[name].set_column(0, "unit_id", pa.array([1] * given[name].num_rows)), file)
    if name != "units":
        with pytest.raises(FeedRefused, match="unit_id is int64, not text"):
            _step(folder, tmp_path / "state")
    file.write_bytes(b"no table")
    with pytest.raises(FeedRefused, match=f"{name}.parquet: "):
        _step(folder, tmp_path / "state")
    file.unlink()
    with pytest.raises(FeedRefused):
        _step(folder, tmp_path / "state")
    assert not (tmp_path / "state" / "newest").exists()
