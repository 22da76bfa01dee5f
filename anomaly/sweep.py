"""Sweeps: what the detectors say of every home as of the evening of each day, from what had arrived by then.

A range of days loads each block of homes once and walks through its evenings, so that a year costs little
more than a day. The evening of a day that is not over is now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Protocol

import numpy as np

from anomaly import calibration, hazards, loading, quality, quality_devices, signals, views
from anomaly.detectors import alarm, burst, idle, leak, overload, people, silence
from anomaly.errors import AnomalyError
from anomaly.features import resolution
from anomaly.findings import Finding
from anomaly.hazards import Hazards
from anomaly.ledger import Ledger
from anomaly.loading import Block
from anomaly.people import REACH_DAYS, VERSION, People
from anomaly.quality import Quality
from anomaly.quality_faults import Fault
from anomaly.signals import Signal
from anomaly.window import Window
from devices.doubts import Doubt, doubt
from policy.book import Policy, PolicyBook
from storage import watermark
from storage.pool import Connection

#: Watermark that says up to which day sweeps went.
SWEPT = "sweep"
#: Name and version of the detector behind each kind; a new version is a new way of judging.
DETECTORS = {
    alarm.ALARM: "alarm/1",
    burst.BURST: "burst/1",
    silence.ELDER_SILENCE: "silence/1",
    overload.OVERLOAD: "overload/1",
    leak.LEAK: "leak/1",
    idle.VACANCY: "idle/1",
    idle.IDLE_LIMIT: "idle/1",
    **dict.fromkeys(people.KINDS, VERSION),
}
#: Kinds that a sweep answers for.
KINDS = tuple(DETECTORS)
#: Two sweeps at once: the second waits.
LOCK = 7_309_004_717


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep did."""

    homes: int
    #: Homes among them that were left out, because their estate cannot be judged: the log says why.
    left_out: int
    #: Homes times days.
    evenings: int
    signals: int
    #: Signals of an earlier sweep that were not found again.
    removed: int


def sweep(
    connection: Connection,
    *,
    books: Mapping[str, PolicyBook],
    first: date,
    last: date,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Swept:
    """Sweep all homes as of each local day from `first` to `last`; the caller commits.

    Equal data give equal signals, however the range is cut. Signals of these days that are no longer found
    are removed. An estate that cannot be judged (a city without a policy, a zone of half hours) is left out
    and logged; the others must not wait for it.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    books : mapping of str to PolicyBook
        By city.
    first, last : date
        Local days of each home's estate; those after today are left out.
    now : datetime
        Aware; the business time at which the sweep is made.
    progress : callable
        Told homes done and homes in all.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    blocks = list(loading.blocks(connection))
    homes, done, left_out = sum(len(block.unit_ids) for block in blocks), 0, 0
    evenings, found, removed = 0, 0, 0
    newest: date | None = None
    for block in blocks:
        until = min(last, block.today(now))
        done += len(block.unit_ids)
        doubted: list[Doubt] = []
        try:
            rows = list(
                evenings_of(
                    connection,
                    block,
                    block.book(books),
                    first=first,
                    last=until,
                    now=now,
                    faulty=partial(_doubted, doubted),
                )
            )
        except AnomalyError as error:
            block.leave_out(error)
            left_out += len(block.unit_ids)
        else:
            if first <= until:
                removed += signals.replace(
                    connection, rows, unit_ids=block.unit_ids, kinds=KINDS, first=first, last=until
                )
                if until == block.today(now):
                    doubt(connection, doubted, unit_ids=block.unit_ids, now=now)
                found += len(rows)
                evenings += len(block.unit_ids) * ((until - first).days + 1)
                newest = max(until, newest or until)
        progress(done, homes)
    if newest is not None:
        _remember(connection, first=first, last=newest, now=now)
    return Swept(homes=homes, left_out=left_out, evenings=evenings, signals=found, removed=removed)


#: Takes what is wrong with the meters and locks of a block as of the last evening of a range.
Faulty = Callable[[Window, list[Fault]], None]


def evenings_of(
    connection: Connection,
    block: Block,
    book: PolicyBook,
    *,
    first: date,
    last: date,
    now: datetime,
    faulty: Faulty | None = None,
) -> Iterator[Signal]:
    """What the detectors say of a block as of each day of a range, as right as visits have taught by then."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    ends = {day: min(block.calendar(day, day).instant(24), now) for day in days}
    taught = calibration.curves(connection, city=block.city, detectors=DETECTORS, at=[*ends.values()])
    for signal in judged(partial(loading.load, connection, block), book, days, now=now, faulty=faulty):
        curve = taught[ends[signal.as_of]].get(signal.finding.kind)
        yield signal if curve is None else signal.moved(curve)


class Shown(Protocol):
    """What shows everything about the homes of a block: `anomaly.loading.load`, or a feed of files."""

    def __call__(
        self, *, first: date, last: date, now: datetime, covered_min: int, told_since: date | None = None
    ) -> Window: ...


def judged(
    shown: Shown, book: PolicyBook, days: Sequence[date], *, now: datetime, faulty: Faulty | None = None
) -> Iterator[Signal]:
    """What the detectors say of a block as of each of some days, which rise, each under its policy."""
    for _, stretch in groupby(days, key=lambda day: id(book.on(day))):
        same = list(stretch)
        policy = book.on(same[0])
        window = shown(
            first=same[0] - timedelta(days=reach_days(policy)),
            last=same[-1],
            now=now,
            covered_min=policy.signs.covered_min,
            told_since=same[0] - timedelta(days=max(hazards.told_days(policy), REACH_DAYS)),
        )
        yield from walk(window, policy, same, now=now, faulty=faulty if same[-1] == days[-1] else None)


def reach_days(policy: Policy) -> int:
    """How many days before an evening can matter to what is said of it."""
    signs = policy.signs
    before = max(signs.standby_days, signs.door_memory_days)
    leak_days = max(policy.leak.memory_days, policy.leak.baseline_days + policy.leak.baseline_skip_days + 1)
    quality_days = quality.reach_days(policy.quality) + before
    return max(
        policy.idle.memory_days + before,
        leak_days,
        hazards.reach_days(policy),
        quality_days,
        REACH_DAYS + before,
    )


def walk(
    window: Window, policy: Policy, days: Sequence[date], *, now: datetime, faulty: Faulty | None = None
) -> Iterator[Signal]:
    """What the detectors say of a block as of each of some days, which rise, under one policy."""
    calendar = window.calendar
    latest = loading.cut_at(calendar, now)
    ledger = Ledger(window, policy.signs)
    dangers, trust, weekly = Hazards(ledger, policy), Quality(ledger, policy.quality), People(ledger)
    for day in days:
        at = calendar.index(day)
        cut = min(24 * (at + 1), latest)
        faults = trust.known(at, latest)
        who = weekly.standing(policy.people, at, latest, policy.people.peers_min)
        ledger.advance(cut)
        evening = min(calendar.instant(24 * (at + 1)), now)
        for finding in [*_dangers(dangers, policy, at), *_detect(ledger, policy, at, faults), *who]:
            yield Signal(
                unit_id=window.unit_ids[finding.unit],
                as_of=day,
                at=evening if finding.at is None else min(finding.at, evening),
                finding=finding,
                detector=DETECTORS[finding.kind],
                policy=policy.version,
            )
    if faulty is not None and days:
        at = calendar.index(days[-1])
        faulty(window, quality.standing(trust.faults(at), ledger.cut, policy.quality))


def _doubted(into: list[Doubt], window: Window, faults: list[Fault]) -> None:
    into[:] = quality_devices.doubts(window, faults)


def _dangers(dangers: Hazards, policy: Policy, at: int) -> list[Finding]:
    bands = policy.bands
    found = alarm.detect(dangers.alarm(at), policy.alarm, bands)
    found += burst.detect(dangers.burst(at), policy.burst, bands)
    found += silence.detect(dangers.silence(at), policy.elder_silence, bands)
    return found + overload.detect(dangers.overload(at), policy.overload, bands)


def _detect(ledger: Ledger, policy: Policy, at: int, faults: list[Fault]) -> list[Finding]:
    memory = policy.idle.memory_days
    steps = ledger.water_step_l[:, max(at + 1 - memory, 0) : at + 1]
    fine = resolution(steps, policy.leak.coarsest_l)
    found = leak.detect(views.leak_view(ledger, at, policy.leak, fine), policy.leak, policy.bands)
    view = views.idle_view(ledger, at, memory)
    hidden = quality.hidden(
        faults, quality.OF_DAYS, units=view.signs.shape[1], first=max(at + 1 - memory, 0), end=at + 1
    )
    view = replace(view, signs=np.where(hidden, np.float32(np.nan), view.signs))
    return found + idle.detect(view, policy.idle, policy.bands)


def _remember(connection: Connection, *, first: date, last: date, now: datetime) -> None:
    before = watermark.noted(connection, SWEPT)
    note = {
        "first": min(first.isoformat(), str(before.get("first", "9"))),
        "last": max(last.isoformat(), str(before.get("last", ""))),
    }
    watermark.advance(connection, SWEPT, now, note)
