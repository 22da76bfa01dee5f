from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import policy
from anju.retention import columnstore_after, first_kept
from policy.book import Policy, PolicyBook
from policy.periods import Period
from storage.retention import TIMES

DAY = date(2026, 11, 24)


class Stricter(PolicyBook):
    """A city that keeps readings shorter and waits longer with columns."""

    def __init__(self) -> None:
        pass

    def on(self, day: date) -> Policy:
        found = policy.load("anhe").on(day)
        rules = replace(
            found.retention,
            reading=Period(months=12),
            event=Period(months=14),
            columnstore_after=timedelta(days=40),
        )
        return replace(found, retention=rules)


def test_policy_names_every_table_that_grows() -> None:
    assert first_kept({"anhe": policy.load("anhe")}, DAY).keys() == TIMES.keys()


def test_the_policy_that_keeps_longest_holds() -> None:
    kept = first_kept({"anhe": policy.load("anhe"), "stricter": Stricter()}, DAY)
    assert kept["reading"] == datetime(2025, 10, 24, tzinfo=UTC)
    assert kept["event"] == datetime(2025, 9, 24, tzinfo=UTC)
    assert kept["usage"] == datetime(2021, 11, 24, tzinfo=UTC)


def test_columns_wait_for_the_most_patient_city() -> None:
    books = {"anhe": policy.load("anhe"), "stricter": Stricter()}
    assert columnstore_after(books, DAY) == timedelta(days=40)


def test_where_no_city_is_nothing_is_too_old() -> None:
    assert first_kept({}, DAY) == {}
