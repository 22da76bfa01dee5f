"""Who is visited this month: the policy's capacity, shared out by estate and over time, by rank and by lot.

An estate's month holds a share of its homes. Fractions are not lost: what a month cannot round up, a later
one does, so a small estate has its turn. Of the visits a share is drawn by lot among homes of which nothing
is known: without them nobody would learn what the detectors do not see. The rest goes to the homes whose
open leads rank first. Hazards are not counted: somebody goes at once.

Nobody is visited twice for the same reason that was refuted, within the policy's time: `housing.leads` opens
no such lead, and no lot falls on a home that was visited.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from housing.estates import Estate, list_estates
from housing.kinds import HAZARDS, KINDS, LOT
from housing.leads import newest_sweep
from housing.scope import EVERYTHING, Scope
from policy.book import Policy, PolicyBook
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "queue.sql")
_INSPECTED = [kind.code for kind in KINDS if not kind.hazard and kind.code != LOT]
_DETECTOR = "lot/1"


@dataclass(frozen=True, kw_only=True)
class Month:
    """The visits of one estate in one month."""

    estate_id: int
    #: Its first local day.
    first: date
    homes: int
    #: Visits that the policy gives, and how many of them are by lot.
    capacity: int
    by_lot: int
    #: Homes visited so far, and homes drawn by lot that wait.
    visited: int
    lots_waiting: int
    #: The leads that are next, best first.
    next: tuple[int, ...]
    #: Homes that are not, and why: `capacity`, `gone` (by the newest sweep), `resting` (decided lately).
    left_out: Mapping[str, int]

    @property
    def remaining(self) -> int:
        """Visits that are still to be made."""
        return max(self.capacity - self.visited, 0)


def months(
    connection: Connection, *, scope: Scope, books: Mapping[str, PolicyBook], now: datetime
) -> list[Month]:
    """The month of each estate whose city has a policy, in two queries for all of them.

    Parameters
    ----------
    books : mapping of str to PolicyBook
        By city.
    now : datetime
        Aware; business time.
    """
    asked = {estate.id: _Asked.of(estate, books, now) for estate in _known(connection, scope, books)}
    parameters: dict[str, object] = {
        "estate_id": list(asked),
        "start": [one.start for one in asked.values()],
        "end": [one.end for one in asked.values()],
        "hazards": list(HAZARDS),
        "inspected": _INSPECTED,
        "lot": LOT,
        "newest_sweep": newest_sweep(connection),
    }
    ranked: dict[int, list[tuple[bool, float, int]]] = {estate_id: [] for estate_id in asked}
    for estate_id, lead_id, score, found_now in connection.execute(_SQL["ranked"], parameters):
        ranked[estate_id].append((not found_now, -score, lead_id))
    found: list[Month] = []
    for estate_id, homes, visited, _, waiting, resting in connection.execute(_SQL["months"], parameters):
        one = asked[estate_id]
        capacity = one.capacity(homes)
        order = sorted(ranked[estate_id])
        present = [lead_id for is_over, _, lead_id in order if not is_over]
        room = max(capacity - visited - waiting, 0)
        found.append(
            Month(
                estate_id=estate_id,
                first=one.first,
                homes=homes,
                capacity=capacity,
                by_lot=one.by_lot(homes),
                visited=visited,
                lots_waiting=waiting,
                next=tuple(present[:room]),
                left_out={
                    "capacity": len(present[room:]),
                    "gone": len(order) - len(present),
                    "resting": resting,
                },
            )
        )
    return found


def draw(connection: Connection, *, books: Mapping[str, PolicyBook], now: datetime) -> int:
    """Draw this month's lots where they are not drawn yet; repeating it draws no more.

    A drawn home is a lead like others, with nothing held against it: who goes there records a verdict.

    Returns
    -------
    int
        Homes drawn.
    """
    drawn = 0
    for estate in _known(connection, EVERYTHING, books):
        one = _Asked.of(estate, books, now)
        parameters = {
            "estate_id": [estate.id],
            "start": [one.start],
            "end": [one.end],
            "hazards": list(HAZARDS),
            "inspected": _INSPECTED,
            "lot": LOT,
            "newest_sweep": None,
        }
        row = connection.execute(_SQL["months"], parameters).fetchone()
        assert row is not None
        missing = one.by_lot(row[1]) - row[3]
        if missing > 0:
            drawn += _draw(connection, estate, one, missing, now)
    return drawn


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The month that a moment lies in, and the rules of its first day."""

    first: date
    start: datetime
    end: datetime
    policy: Policy

    @classmethod
    def of(cls, estate: Estate, books: Mapping[str, PolicyBook], now: datetime) -> "_Asked":
        zone = ZoneInfo(estate.time_zone)
        first = now.astimezone(zone).date().replace(day=1)
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        start, end = (datetime.combine(day, time.min, zone) for day in (first, following))
        return cls(first=first, start=start, end=end, policy=books[estate.city].on(first))

    def capacity(self, homes: int) -> int:
        """Visits of this month."""
        return self._turn(homes * self.policy.leads.visits_share)

    def by_lot(self, homes: int) -> int:
        """Those of them that are drawn."""
        share = self.policy.leads.visits_share * self.policy.leads.lot_share
        return min(self._turn(homes * share), self.capacity(homes))

    def _turn(self, a_month: float) -> int:
        """What this month has of a number that is due every month, so that none of it is ever lost."""
        months = 12 * self.first.year + self.first.month
        return math.floor(a_month * (months + 1) + 1e-9) - math.floor(a_month * months + 1e-9)


def _known(connection: Connection, scope: Scope, books: Mapping[str, PolicyBook]) -> list[Estate]:
    return [estate for estate in list_estates(connection, scope=scope) if estate.city in books]


def _draw(connection: Connection, estate: Estate, one: _Asked, count: int, now: datetime) -> int:
    share = one.policy.leads.lot_share
    evidence = {
        "code": "drawn_by_lot",
        "weight": 0,
        "zh": f"按规定随机抽取（每月查访户数的{share:.0%}），没有发现任何迹象",
        "en": f"Drawn by lot, as {share:.0%} of each month's visits are; nothing was noticed here",
        "source": "register",
        "from": one.first.isoformat(),
        "to": None,
        "numbers": {"share_of_visits": share},
    }
    return connection.execute(
        _SQL["draw"],
        {
            "estate_id": estate.id,
            "lot": LOT,
            "now": now,
            "today": now.astimezone(ZoneInfo(estate.time_zone)).date(),
            "score": 0.0,
            "evidence": json.dumps([evidence], ensure_ascii=False),
            "quality": json.dumps({"sources": {}, "unknown": []}),
            "detector": _DETECTOR,
            "policy": one.policy.version,
            "rest": str(one.policy.leads.rest_after_refuted),
            "month": one.first.isoformat(),
            "count": count,
        },
    ).rowcount
