"""What the worker does, one transaction a step: readings to usage and features, features to leads."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from anju import packing, retention, watching
from anju.jobs import Kind, request
from anomaly import calibration
from anomaly.renewal import Renewed, renew
from anomaly.store import update_unit_days
from anomaly.sweep import DETECTORS, sweep
from devices import changes
from devices.changes import Rebinding
from devices.profiles import load_profiles
from housing import queue
from housing.estates import list_estates
from housing.leads import raise_leads
from housing.scope import EVERYTHING
from housing.withdrawals import Rebound, withdraw
from policy.book import PolicyBook
from storage import watermark
from storage.pool import Connection
from usage.loading import Forms
from usage.recompute import recompute
from wire.channels import BY_CODE

#: Marked days that one transaction takes: about a second of work.
BATCH_DAYS = 20_000
#: What `anju status` shows as the worker's last run.
RAN = "worker"
#: Counts the transactions that changed something a sweep looks at …
_CHANGED = "usage"
#: … up to which one the newest sweep looked, as of which local days, and by which policies.
_SWEPT = "leads_swept"
#: The newest change of the registry after which signals and leads were renewed.
_REBOUND = "rebound"
#: So many batches of marks are worked off in the transaction that renews, at most.
_CATCH_UP = 5


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
    #: Whose disk must have room; None: not looked at.
    data_dir: Path | None = None
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
            connection,
            now=now,
            limit=limit,
            forms=self.forms,
            max_per_hour=self._max_per_hour(now),
            earliest=retention.first_derived(connection),
        )
        if len(touched):
            update_unit_days(connection, touched, self.books, now)
            watermark.advance(connection, _CHANGED, now, {"serial": self._serial(connection) + 1})
            request(connection, Kind.sweep)
        if touched.marked:
            watermark.advance(connection, RAN, now)
        return touched.marked == limit

    def is_stale(self, connection: Connection) -> bool:
        """Whether leads do not rest on the newest usage, on today, or on the policies in force.

        The one answer to it: by it the worker asks for a sweep, and a sweep that somebody else asked for
        (`anju settle` does, to be sure) is left out where nothing is new.
        """
        standing = self._standing(connection, self.now())
        if not standing.days:
            return False
        is_rebound = changes.newest_rebinding(connection) > self._renewed(connection)
        return is_rebound or watermark.noted(connection, _SWEPT) != standing.note

    def renew(self, connection: Connection) -> bool:
        """After bindings were corrected: judge past evenings of the homes again, and withdraw what fell.

        Marks are worked off first, in the same transaction, or signals would still rest on the wrong data.

        Returns
        -------
        bool
            False: there are too many marks; it is to be tried again.
        """
        pending = changes.rebindings(connection, after=self._renewed(connection))
        if not pending:
            return True
        if all(self.recompute(connection) for _ in range(_CATCH_UP)):
            return False
        now = self.now()
        days: dict[int, tuple[date, date]] = {}
        for one in pending:
            first, last = days.get(one.unit_id, (one.first_day, one.last_day))
            days[one.unit_id] = (min(first, one.first_day), max(last, one.last_day))
        renewed = renew(connection, books=self.books, days=days, now=now)
        withdraw(connection, [_rebound(pending, evenings) for evenings in renewed], now=now)
        watermark.advance(connection, _REBOUND, now, {"change": pending[-1].change_id})
        return True

    def sweep(self, connection: Connection) -> None:
        """Sweep as of today, with what arrived up to now, and let signals and lots become leads.

        Evenings since the last sweep are made good, that of its own day included: it was not over yet.
        """
        now = self.now()
        standing = self._standing(connection, now)
        if not standing.days:
            return
        first = min([*standing.days.values(), *_days(watermark.noted(connection, _SWEPT))])
        sweep(connection, books=self.books, first=first, last=max(standing.days.values()), now=now)
        raise_leads(connection, books=self.books, now=now)
        queue.draw(connection, books=self.books, now=now)
        calibration.learn_all(connection, books=self.books, detectors=DETECTORS, now=now)
        watermark.advance(connection, _SWEPT, now, standing.note)
        watermark.advance(connection, RAN, now)

    def watch_every(self) -> timedelta:
        """How often devices are looked at."""
        return watching.every(self.books, self.now())

    def watch_is_due(self, connection: Connection) -> bool:
        """Whether devices were not looked at for so long."""
        return watching.is_due(connection, self.books, self.now())

    def watch(self, connection: Connection) -> None:
        """Look at all devices and at the installation, and let the alerts agree with what is there."""
        watching.watch_all(connection, self.books, now=self.now(), ran=RAN, data_dir=self.data_dir)

    def packing_is_due(self, connection: Connection) -> bool:
        """Whether the journal's older blocks were not yet put together today."""
        return packing.is_due(connection, self.now())

    def pack(self, connection: Connection) -> Iterator[None]:
        """Put the journal's older blocks together; each step of the iteration is a committed transaction."""
        return packing.pack(connection, now=self.now())

    def retention_is_due(self, connection: Connection) -> bool:
        """Whether rows that are too old were not yet removed today."""
        return retention.is_due(connection, self.now())

    def remove_old(self, connection: Connection) -> Iterator[None]:
        """Remove rows older than policy keeps; each step of the iteration is one committed transaction."""
        return retention.remove(connection, books=self.books, now=self.now())

    def _max_per_hour(self, now: datetime) -> dict[str, float]:
        """The most that any city believes of one home.

        One table for all homes, on purpose: what a pipe and a fuse can carry differs little between cities,
        series of many estates are derived together, and where two cities do differ, a glitch between their
        limits that passes in the stricter one is a smaller harm than real consumption that is refused.
        """
        most: dict[str, float] = {}
        for book in self.books.values():
            for channel, limits in book.on(now.date()).ingest.limits.items():
                if limits.step_per_h is not None:
                    most[channel] = max(limits.step_per_h, most.get(channel, 0.0))
        return most

    def _renewed(self, connection: Connection) -> int:
        change = watermark.noted(connection, _REBOUND).get("change", 0)
        return change if isinstance(change, int) else 0

    def _serial(self, connection: Connection) -> int:
        serial = watermark.noted(connection, _CHANGED).get("serial", 0)
        return serial if isinstance(serial, int) else 0

    def _standing(self, connection: Connection, now: datetime) -> "_Standing":
        days: dict[str, date] = {}
        policies: set[str] = set()
        for estate in list_estates(connection, scope=EVERYTHING):
            today = now.astimezone(ZoneInfo(estate.time_zone)).date()
            days[estate.time_zone] = today
            if estate.city in self.books:
                policies.add(self.books[estate.city].on(today).version)
        return _Standing(serial=self._serial(connection), days=days, policies=policies)


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """What leads rest on when they are up to date."""

    serial: int
    #: Local day by zone; empty: there are no estates.
    days: Mapping[str, date]
    #: Versions in force in the cities of the estates.
    policies: Set[str]

    @property
    def note(self) -> dict[str, object]:
        """As the watermark keeps it."""
        return {
            "serial": self.serial,
            "days": {zone: day.isoformat() for zone, day in sorted(self.days.items())},
            "policies": sorted(self.policies),
        }


def _rebound(pending: Sequence[Rebinding], evenings: Renewed) -> Rebound:
    """All that moved at one home; the newest act stands for it."""
    mine = [one for one in pending if one.unit_id == evenings.unit_id]
    newest = mine[-1]
    return Rebound(
        unit_id=newest.unit_id,
        channels=frozenset(BY_CODE[one.channel].name if one.channel else "events" for one in mine),
        first=evenings.first,
        last=evenings.last,
        change_id=newest.change_id,
        by=newest.by,
        reason=newest.reason,
    )


def _days(note: Mapping[str, object]) -> list[date]:
    """The local days as of which a noted sweep was made."""
    days = note.get("days")
    return [date.fromisoformat(day) for day in days.values()] if isinstance(days, dict) else []
