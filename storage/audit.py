"""Who read or changed what, and why: one append-only table."""

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from storage.pool import Connection


def record(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one entry in the caller's transaction: no entry, no change.

    An audit that cannot be written stops what it would have recorded (fails closed): the error goes
    through and the transaction rolls back.

    Parameters
    ----------
    at : datetime
        Aware; business time.
    actor : str
        ``account:<username>`` or ``system:<process>``.
    action : str
        ``noun.verb`` from the permissions, e.g. ``lead.confirm``.
    subject : str
        ``noun:code``, e.g. ``unit:3-2-0703``. No personal data.
    """
    connection.execute(
        "INSERT INTO audit_log (at, actor, action, subject, reason, detail) VALUES (%s, %s, %s, %s, %s, %s)",
        [at, actor, action, subject, reason, Jsonb(dict(detail or {}))],
    )
