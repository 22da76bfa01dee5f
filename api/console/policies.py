"""The policy that a page follows: of the city, in force on the estate's day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from api.deps import Deps
from api.problems import Problem
from policy.book import Policy


def policy_of(deps: Deps, city: str, time_zone: str, now: datetime) -> Policy:
    """The policy in force in a city today.

    Raises
    ------
    Problem
        ``internal``: this deployment has no policy for the city.
    """
    if city not in deps.books:
        raise Problem("internal")
    return deps.books[city].on(today_of(time_zone, now))


def today_of(time_zone: str, now: datetime) -> date:
    """The local day of an estate."""
    return now.astimezone(ZoneInfo(time_zone)).date()
