"""Whether some households are asked about more often than others, with how sure that is.

A difference is no proof of a bias, and none is no proof of fairness: a group in which more is found may
rightly be asked about more often, which is why what visits confirmed stands beside. Age groups and
disabilities are not on record here; of age only whether an older person lives alone.
"""

from dataclasses import dataclass
from datetime import date

from scipy.stats import binomtest

from housing.kinds import HAZARDS, KINDS, LOT
from housing.scope import Scope
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "fairness.sql")
#: Households of so many and more are one group.
_LARGEST = 5


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group of homes."""

    #: `all`, `household_size`, `elder_alone`, `estate`.
    grouping: str
    value: str
    homes: int
    #: Homes with a lead of an inspection kind in the period; of them those visited, and those confirmed.
    asked: int
    visited: int
    confirmed: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share that was asked about (Wilson 1927)."""
        found = binomtest(self.asked, self.homes).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


def report(connection: Connection, *, scope: Scope, since: date, until: date) -> list[Group]:
    """How often homes of each group were asked about in a period.

    Parameters
    ----------
    since, until : date
        Days in UTC, both part of it. Homes are grouped as they are let on the last.
    """
    inspected = [kind.code for kind in KINDS if kind.code not in (*HAZARDS, LOT)]
    parameters = {
        **scope.parameters(),
        "since": since,
        "until": until,
        "inspected": inspected,
        "largest": _LARGEST,
    }
    return [
        Group(grouping=row[0], value=row[1], homes=row[2], asked=row[3], visited=row[4], confirmed=row[5])
        for row in connection.execute(_SQL["rates"], parameters)
    ]
