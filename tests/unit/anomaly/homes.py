"""Homes made of arrays, and windows made of homes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np

import policy
from anomaly.findings import Finding
from anomaly.signals import Signal
from anomaly.sweep import walk
from anomaly.window import (
    NEVER,
    Calendar,
    Doors,
    Happenings,
    Homes,
    Leases,
    Metered,
    Residents,
    Spans,
    Window,
)
from policy.book import Policy
from wire.events import EventType, Method

#: A Monday.
FIRST = date(2025, 1, 6)
OFFSET_H = 8
POLICY = policy.load("anhe").on(FIRST)
#: After everything.
NOW = datetime(2030, 1, 1, tzinfo=UTC)
AT_ONCE = -1


@dataclass(frozen=True, kw_only=True)
class Told:
    """One happening; hours from the first local midnight."""

    hour: float
    type: EventType
    method: Method = Method.none
    #: -1: the reader knew nobody.
    subject: int = -1
    registered: bool = False
    fresh: bool = False
    value: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Home:
    """One home: hours from local midnight, doors by day (None: no lock)."""

    kwh: np.ndarray
    litres: np.ndarray
    doors: np.ndarray | None = None
    #: Hours after the end of an hour until it was known.
    delay_h: np.ndarray | int = 0
    #: (first day, day after the last, hour at which it was registered)
    absences: Sequence[tuple[int, int, int]] = ()
    #: (first day, day after the last); none: no lease on record.
    leases: Sequence[tuple[int, int]] = ()
    #: Further days on which the lock was heard.
    heard: Sequence[int] = field(default=())
    #: What was told one by one, in order of time.
    told: Sequence["Told"] = ()
    #: (first day, day after the last) of each registered person.
    residents: Sequence[tuple[int, int]] = ()
    area_m2: float = 60.0
    contract_kw: float = 8.0
    elder_alone: bool = False

    @property
    def days(self) -> int:
        return self.kwh.size // 24

    def empty(self, first: int, end: int, *, litres_h: float = 0.0) -> "Home":
        """The same home with nobody in it from day `first` to before day `end`."""
        hours = slice(24 * first, 24 * end)
        kwh, litres = self.kwh.copy(), self.litres.copy()
        kwh[hours] = standby(end - first, seed=first)
        litres[hours] = litres_h
        doors = None if self.doors is None else self.doors.copy()
        if doors is not None:
            doors[first:end] = 0
        return replace(self, kwh=kwh, litres=litres, doors=doors)

    def without(self, first: int, end: int, *sources: str) -> "Home":
        """The same home with no readings of `kwh` or `litres` from day `first` to before day `end`."""
        changed = {name: getattr(self, name).copy() for name in sources}
        for values in changed.values():
            values[24 * first : 24 * end] = np.nan
        return replace(self, **changed)


def lived_in(days: int, *, seed: int = 0, lock: bool = False) -> Home:
    """A home of ordinary people: breakfast, supper, showers, no two days alike."""
    rng = np.random.default_rng(seed)
    kwh = standby(days, seed=seed).reshape(days, 24)
    kwh[:, 6:9] += rng.uniform(0.1, 0.6, (days, 3))
    kwh[:, 17:23] += rng.uniform(0.2, 1.0, (days, 6))
    litres = np.zeros((days, 24))
    for hour, most in ((7, 40), (8, 20), (12, 15), (19, 30), (21, 60)):
        litres[:, hour] = np.round(rng.uniform(2.6, most, days))
    doors = rng.integers(1, 6, days) if lock else None
    return Home(kwh=np.round(kwh.reshape(-1), 3), litres=litres.reshape(-1), doors=doors)


def standby(days: int, *, seed: int = 0) -> np.ndarray:
    """A fridge and a router: 40 to 70 W."""
    return np.random.default_rng([seed, 1]).uniform(0.04, 0.07, 24 * days).round(3)


def window(homes: Sequence[Home]) -> Window:
    """A window of homes of equal length."""
    days = homes[0].days
    lock = [(u, d) for u, home in enumerate(homes) if home.doors is not None for d in range(days)]
    passed = [(u, d, int(_doors(homes[u])[d])) for u, d in lock if _doors(homes[u])[d]]
    heard = [(u, d) for u, d, _ in passed] + [(u, d) for u, home in enumerate(homes) for d in home.heard]
    absences = [(u, *span) for u, home in enumerate(homes) for span in home.absences]
    leases = [(u, *span) for u, home in enumerate(homes) for span in home.leases]
    return Window(
        calendar=Calendar(first=FIRST, days=days, offset_h=OFFSET_H),
        unit_ids=tuple(range(len(homes))),
        energy=_metered([home.kwh for home in homes], [home.delay_h for home in homes]),
        water=_metered([home.litres for home in homes], [home.delay_h for home in homes]),
        doors=Doors(
            unit=_ints(u for u, _, _ in passed),
            day=_ints(d for _, d, _ in passed),
            arrived=_ints(24 * (d + 1) for _, d, _ in passed),
            entries=_ints(0 for _ in passed),
            openings=_ints(n for _, _, n in passed),
            stirs=_ints(0 for _ in passed),
        ),
        lock_heard=Spans(
            unit=_ints(u for u, _ in heard),
            start=_ints(d for _, d in heard),
            end=_ints(d + 1 for _, d in heard),
            arrived=_ints(24 * (d + 1) for _, d in heard),
        ),
        absences=Spans(
            unit=_ints(a[0] for a in absences),
            start=_ints(a[1] for a in absences),
            end=_ints(a[2] for a in absences),
            arrived=_ints(a[3] for a in absences),
        ),
        leases=Leases(
            unit=_ints(s[0] for s in leases),
            start=_ints(s[1] for s in leases),
            end=_ints(s[2] for s in leases),
        ),
        happenings=_happenings(homes),
        residents=Residents(
            unit=_ints(u for u, home in enumerate(homes) for _ in home.residents),
            start=_ints(span[0] for home in homes for span in home.residents),
            end=_ints(span[1] for home in homes for span in home.residents),
        ),
        homes=Homes(
            area_m2=np.array([home.area_m2 for home in homes], np.float32),
            contract_kw=np.array([home.contract_kw for home in homes], np.float32),
            elder_alone=np.array([home.elder_alone for home in homes], np.bool_),
        ),
    )


def _happenings(homes: Sequence[Home]) -> Happenings:
    rows = [(u, told) for u, home in enumerate(homes) for told in home.told]
    return Happenings(
        unit=_ints(u for u, _ in rows),
        hour=np.array([told.hour for _, told in rows], np.float64),
        arrived=_ints(int(np.ceil(told.hour)) for _, told in rows),
        type=np.array([told.type for _, told in rows], np.int16),
        method=np.array([told.method for _, told in rows], np.int16),
        subject=_ints(told.subject for _, told in rows),
        registered=np.array([told.registered for _, told in rows], np.bool_),
        fresh=np.array([told.fresh for _, told in rows], np.bool_),
        value=np.array([told.value for _, told in rows], np.float32),
    )


def walked(
    homes: Sequence[Home],
    *days: int,
    kind: str | None = None,
    rules: Policy = POLICY,
    now: datetime = NOW,
) -> list[Signal]:
    """What is said as of some days."""
    made = window(homes)
    found = walk(made, rules, [made.calendar.day(day) for day in days], now=now)
    return [one for one in found if kind is None or one.finding.kind == kind]


def findings(
    homes: Home | Sequence[Home], *days: int, kind: str | None = None, rules: Policy = POLICY
) -> list[Finding]:
    """What is found as of some days; without any, as of the last."""
    several = [homes] if isinstance(homes, Home) else homes
    asked = days or (several[0].days - 1,)
    return [signal.finding for signal in walked(several, *asked, kind=kind, rules=rules)]


def _doors(home: Home) -> np.ndarray:
    assert home.doors is not None
    return home.doors


def _metered(rows: Sequence[np.ndarray], delays: Sequence[np.ndarray | int]) -> Metered:
    amount = np.stack(rows).astype(np.float32)
    at = np.arange(1, amount.shape[1] + 1)
    arrived = np.stack([np.broadcast_to(at + delay, at.shape) for delay in delays])
    return Metered(amount=amount, arrived=np.where(np.isfinite(amount), arrived, NEVER).astype(np.int32))


def _ints(values: Iterable[int]) -> np.ndarray:
    return np.array(list(values), dtype=np.int32)
