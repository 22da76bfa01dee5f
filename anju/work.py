"""What the worker does, one transaction a step: readings to usage and features, features to leads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from anju.jobs import Kind, request
from anomaly.store import update_unit_days
from anomaly.sweep import sweep
from devices.profiles import load_profiles
from housing.estates import list_estates
from housing.leads import raise_leads
from housing.scope import EVERYTHING
from policy.book import PolicyBook
from storage import watermark
from storage.pool import Connection
from usage.loading import Forms
from usage.recompute import recompute

#: Marked days that one transaction takes: about a second of work.
BATCH_DAYS = 20_000
#: What `anju status` shows as the worker's last run.
RAN = "worker"
#: Counts the transactions that changed something a sweep looks at …
_CHANGED = "usage"
#: … up to which one the newest sweep looked, and as of which day.
_SWEPT = "leads_swept"


def _forms() -> Forms:
    return {
        (profile.name, channel): form
        for profile in load_profiles().values()
        for channel, form in profile.channels.items()
    }


@dataclass(frozen=True, kw_only=True)
class Work:
    """The steps, with what they need."""

    books: Mapping[str, PolicyBook]
    #: Business time.
    now: Callable[[], datetime]
    forms: Forms = field(default_factory=_forms)

    def recompute(self, connection: Connection, *, limit: int = BATCH_DAYS) -> bool:
        """Bring `usage` and the day features up to the marks of at most `limit` days.

        Whatever changed asks for a sweep in the same transaction: once no mark and no job is left,
        leads rest on everything that was committed before.

        Returns
        -------
        bool
            There may be more marks.
        """
        now = self.now()
        touched = recompute(
            connection, now=now, limit=limit, forms=self.forms, max_per_hour=self._max_per_hour(now)
        )
        if len(touched):
            update_unit_days(connection, touched, self.books, now)
            watermark.advance(connection, _CHANGED, now, {"serial": self._serial(connection) + 1})
            request(connection, Kind.sweep)
        if touched.marked:
            watermark.advance(connection, RAN, now)
        return touched.marked == limit

    def is_stale(self, connection: Connection) -> bool:
        """Whether leads do not rest on the newest usage, or not on today."""
        swept = watermark.noted(connection, _SWEPT)
        today = self._today(connection, self.now())
        if today is None:
            return False
        return swept.get("serial") != self._serial(connection) or swept.get("day") != today[1].isoformat()

    def sweep(self, connection: Connection) -> None:
        """Sweep as of today, with what arrived up to now, and let the signals become leads.

        Evenings since the last sweep are made good, that of its own day included: it was not over yet.
        """
        now, serial = self.now(), self._serial(connection)
        today = self._today(connection, now)
        if today is None:
            return
        swept = watermark.noted(connection, _SWEPT).get("day")
        first = min(today[0], date.fromisoformat(swept)) if isinstance(swept, str) else today[0]
        sweep(connection, books=self.books, first=first, last=today[1], now=now)
        raise_leads(connection, books=self.books, now=now)
        watermark.advance(connection, _SWEPT, now, {"serial": serial, "day": today[1].isoformat()})
        watermark.advance(connection, RAN, now)

    def _max_per_hour(self, now: datetime) -> dict[str, float]:
        """The most that any city believes of one home."""
        most: dict[str, float] = {}
        for book in self.books.values():
            for channel, limits in book.on(now.date()).ingest.limits.items():
                if limits.step_per_h is not None:
                    most[channel] = max(limits.step_per_h, most.get(channel, 0.0))
        return most

    def _serial(self, connection: Connection) -> int:
        serial = watermark.noted(connection, _CHANGED).get("serial", 0)
        return serial if isinstance(serial, int) else 0

    def _today(self, connection: Connection, now: datetime) -> tuple[date, date] | None:
        """The local days of the estates at this moment, earliest and latest; None without estates."""
        zones = {estate.time_zone for estate in list_estates(connection, scope=EVERYTHING)}
        days = [now.astimezone(ZoneInfo(zone)).date() for zone in zones]
        return (min(days), max(days)) if days else None
