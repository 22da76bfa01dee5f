"""The one way to a person's whole data: recorded first, then opened, in one transaction."""

from datetime import datetime

from api.auth import Account
from housing.residents import OpenResident, open_resident
from storage import audit
from storage.personal import PersonalKey
from storage.pool import Connection


def open_audited(
    connection: Connection, who: Account, code: str, *, reason: str, key: PersonalKey, now: datetime
) -> OpenResident:
    """Open one person's data for a named reader with a reason.

    The audit entry is written before anything is opened; if it cannot be written, nothing is (fails
    closed), and if nothing is found, no entry stays either.

    Raises
    ------
    NotFound
        No such person, or outside the reader's scope.
    """
    audit.record(
        connection,
        at=now,
        actor=f"account:{who.username}",
        action="resident.read",
        subject=f"resident:{code}",
        reason=reason,
    )
    return open_resident(connection, code, scope=who.scope, key=key)
