"""What the application is built from, and how a request gets at it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from api.problems import Problem
from api.rules import LoginRules
from policy.book import Policy, PolicyBook
from storage.personal import PersonalKey
from storage.pool import Connection, Pool

_log = logging.getLogger(__name__)

#: While the database is away somebody waits for an answer; the pool's own patience is for processes.
_WAIT_S = 5.0


def local_day(time_zone: str, now: datetime) -> date:
    """The present day of an estate."""
    return now.astimezone(ZoneInfo(time_zone)).date()


def _unknown() -> bool | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Deps:
    """Everything outside the application, handed over by the process that serves it."""

    pool: Pool
    #: Business time, aware.
    now: Callable[[], datetime]
    #: By city.
    books: Mapping[str, PolicyBook]
    #: Whose policy judges what receivers take in, as it judges what ingest does.
    city: str
    #: Of the personal columns.
    key: PersonalKey
    #: Of the program, as shown to people.
    version: str
    rules: LoginRules
    #: True behind TLS: cookies become `Secure` and browsers are told to stay there.
    https: bool = False
    #: Whether the broker answers; None: not known here.
    broker_alive: Callable[[], bool | None] = _unknown

    def connection(self) -> AbstractContextManager[Connection]:
        """One connection and one transaction."""
        return self.pool.connection(timeout=_WAIT_S)

    def policy(self, city: str, time_zone: str, now: datetime) -> Policy:
        """The policy in force in a city on its present day.

        Raises
        ------
        Problem
            ``internal``: this deployment has no policy for the city.
        """
        if city not in self.books:
            _log.error("no policy for the city %r", city, extra={"action": "no_policy"})
            raise Problem("internal")
        return self.books[city].on(local_day(time_zone, now))


def deps_of(request: Request) -> Deps:
    """The dependencies of the application that serves this request."""
    return request.app.state.deps


def connection_of(request: Request) -> Iterator[Connection]:
    """One connection and one transaction a request, committed before the reply is sent.

    A request that only reads cannot write by mistake.
    """
    with deps_of(request).connection() as connection:
        if request.method in {"GET", "HEAD"}:
            connection.execute("SET TRANSACTION READ ONLY")
        yield connection


Given = Annotated[Deps, Depends(deps_of)]
Db = Annotated[Connection, Depends(connection_of, scope="function")]
