"""What was done to devices: each act as it was recorded, and what was believed before it and after it."""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from devices.acts import PROFILE
from devices.installations import Installation
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "changes.sql")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One act, as recorded."""

    id: int
    at: datetime
    by: str
    act: str
    reason: str
    note: str
    undoes: int | None
    undone_by: int | None

    @property
    def is_correction(self) -> bool:
        """Whether it put the past on another footing; so would undoing it."""
        return self.act == "correct" or self.reason == PROFILE


@dataclass(frozen=True, kw_only=True)
class Rebinding:
    """Days of one home and channel that rest on other data since an act, and who did it why."""

    change_id: int
    by: str
    act: str
    #: Of an undone correction: its reason.
    reason: str
    unit_id: int
    channel: int
    first_day: date
    last_day: date


def change(connection: Connection, change_id: int) -> Change | None:
    """One act."""
    with connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_SQL["change"], {"change_id": change_id}).fetchone()


def history(connection: Connection, device_id: int) -> list[Change]:
    """What was done to a device, newest first."""
    with connection.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_SQL["history"], {"device_id": device_id}).fetchall()


def believed(connection: Connection, change_id: int, *, after: bool) -> tuple[Installation, ...]:
    """The installations of every device concerned, before an act or after it."""
    with connection.cursor(row_factory=class_row(Installation)) as cursor:
        found = cursor.execute(_SQL["versions"], {"change_id": change_id, "is_after": after})
        return tuple(found.fetchall())


def concerned(connection: Connection, change_id: int) -> dict[int, bool | None]:
    """The devices of an act; True: it retired the device, False: it brought the device back."""
    return dict(connection.execute(_SQL["concerned"], {"change_id": change_id}).fetchall())


def rebindings(connection: Connection, *, after: int) -> list[Rebinding]:
    """What homes rest on other data since the acts behind one, oldest first."""
    with connection.cursor(row_factory=class_row(Rebinding)) as cursor:
        return cursor.execute(_SQL["rebindings"], {"after": after}).fetchall()


def newest_rebinding(connection: Connection) -> int:
    """The newest act since which some home rests on other data; 0: none."""
    row = connection.execute(_SQL["newest_rebinding"]).fetchone()
    return 0 if row is None else row[0]
