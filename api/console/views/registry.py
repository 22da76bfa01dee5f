"""One device as its page shows it: where it hangs, its history, a correction and what would follow."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from api.console import words
from api.console.texts import Catalogue
from api.console.views.installing import channel_word
from devices.acts import REASONS
from devices.bindings import Effect
from devices.changes import Change
from devices.checks import Check
from devices.installations import Installation
from devices.lifecycle import Preview
from devices.listing import Installed, Listed
from housing.withdrawals import Affected
from wire.channels import EVENTS


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One place over a period."""

    place: str
    href: str
    period: str
    channels: str


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act of the history."""

    id: int
    name: str
    when: str
    by: str
    reason: str
    note: str
    #: What was believed before; empty: nothing.
    before: tuple[str, ...]
    undone: bool
    can_undo: bool


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """One crossed-meter check."""

    href: str
    when: str
    unit: str
    outcome: str
    by: str


@dataclass(frozen=True, kw_only=True)
class DeviceView:
    """One device."""

    code: str
    serial: str
    profile: str
    estate: str
    active: bool
    gateway: str
    address: str
    stays: tuple[Stay, ...]
    acts: tuple[Act, ...]
    checks: tuple[CheckRow, ...]
    install_href: str
    correct_href: str


@dataclass(frozen=True, kw_only=True)
class CorrectForm:
    """What was typed into a correction."""

    #: place or exchange
    what: str = "place"
    flat: str = ""
    other: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    note: str = ""

    @property
    def mark(self) -> str:
        """A short word for what was typed, the note apart."""
        said = (self.what, self.flat, self.other, self.since, self.until, self.reason)
        return "." + hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class PreviewView:
    """What would follow from a correction."""

    seen: str
    changes: bool
    #: Of which homes how many days are computed again.
    text: str
    leads_open: int
    leads_decided: int


def device_view(
    t: Catalogue,
    found: Listed,
    *,
    installed: Sequence[Installed],
    history: Sequence[Change],
    believed: Mapping[int, Sequence[Installation]],
    units: Mapping[int, str],
    checks: Sequence[Check],
    undo_within: timedelta,
    may_install: bool,
    may_correct: bool,
    may_read_units: bool,
    now: datetime,
) -> DeviceView:
    """Put one device into words.

    Parameters
    ----------
    believed : mapping
        By act: the installations as they were believed before it.
    units : mapping
        Codes of the homes in these, by id.
    """
    zone = ZoneInfo(found.time_zone)

    def stamp(at: datetime) -> str:
        return words.stamp(t, at, zone, now=now)

    def place(row: Installation) -> str:
        return units.get(row.unit_id, "?") if row.unit_id is not None else row.entrance or ""

    def act(one: Change) -> Act:
        rows = [row for row in believed[one.id] if row.device_id == found.id]
        before = dict.fromkeys(
            f"{place(row)} · {_period(t, row.valid_from, row.valid_to, stamp)}" for row in rows
        )
        correction = one.is_correction
        return Act(
            id=one.id,
            name=t.pick("device", f"act_{one.act}"),
            when=stamp(one.at),
            by=one.by.partition(":")[2],
            reason=t.of(*REASONS[one.reason]) if one.reason in REASONS else "",
            note=one.note,
            before=tuple(before),
            undone=one.undone_by is not None,
            can_undo=one.undone_by is None
            and one.act != "undo"
            and (may_correct if correction else may_install and now - one.at <= undo_within),
        )

    path = quote(found.code)
    acts = [act(one) for one in history]
    first = next((n for n, one in enumerate(history) if one.act != "undo" and one.undone_by is None), None)
    return DeviceView(
        code=found.code,
        serial=found.serial,
        profile=found.profile,
        estate=found.estate,
        active=found.active,
        gateway=found.gateway or "",
        address=found.address or "",
        stays=_stays(t, installed, stamp, linked=may_read_units),
        # only the newest act that stands can be taken back
        acts=tuple(
            one if n == first else Act(**{**vars(one), "can_undo": False}) for n, one in enumerate(acts)
        ),
        checks=tuple(
            CheckRow(
                href=f"/commissioning/checks/{one.id}" if may_install else "",
                when=stamp(one.ended_at or one.begun_at),
                unit=one.unit,
                outcome=t.pick("check", f"outcome_{one.outcome or 'running'}"),
                by=one.ended_by or one.begun_by,
            )
            for one in checks
        ),
        install_href=f"/commissioning/devices/{path}" if may_install and found.active else "",
        correct_href=f"/devices/{path}/correct" if may_correct and installed else "",
    )


def preview_view(
    t: Catalogue, shown: Preview, form: CorrectForm, *, leads: Affected, units: Mapping[int, str]
) -> PreviewView:
    """What would follow."""
    return PreviewView(
        seen=shown.seen + form.mark,
        changes=shown.changes_anything,
        text=_days_of_homes(t, shown.effects, units),
        leads_open=leads.open,
        leads_decided=leads.decided,
    )


def _days_of_homes(t: Catalogue, effects: Sequence[Effect], units: Mapping[int, str]) -> str:
    """Homes and days that are computed again: 2 homes × 56 days, or home by home where they differ."""
    days: dict[int, set[date]] = {}
    for effect in effects:
        whole = (effect.last - effect.first).days + 1
        days.setdefault(effect.unit_id, set()).update(effect.first + timedelta(days=n) for n in range(whole))
    counts = {units.get(unit_id, "?"): len(days[unit_id]) for unit_id in sorted(days)}
    if not counts:
        return t("correct.preview_none")
    one, *others = counts.values()
    if all(other == one for other in others):
        return t(
            "correct.preview",
            units=t("lang.list").join(counts),
            homes=t("correct.homes", n=len(counts)),
            days=t("correct.days", n=one),
        )
    each = (
        t("correct.home_days", unit=unit, days=t("correct.days", n=count)) for unit, count in counts.items()
    )
    return t("correct.preview_each", homes=t("lang.list").join(each))


def _stays(
    t: Catalogue, installed: Sequence[Installed], stamp: Callable[[datetime], str], *, linked: bool
) -> tuple[Stay, ...]:
    groups: dict[tuple[str, int | None, datetime, datetime | None], list[int]] = {}
    for row in installed:
        key = (row.unit or row.entrance or "", row.unit_id, row.valid_from, row.valid_to)
        groups.setdefault(key, []).append(row.channel)
    return tuple(
        Stay(
            place=place,
            href=f"/units/{unit_id}" if linked and unit_id is not None else "",
            period=_period(t, since, until, stamp),
            channels=t("lang.list").join(channel_word(t, one) for one in sorted(channels, key=_events_last)),
        )
        for (place, unit_id, since, until), channels in groups.items()
    )


def _events_last(channel: int) -> tuple[bool, int]:
    return channel == EVENTS, channel


def _period(t: Catalogue, since: datetime, until: datetime | None, stamp: Callable[[datetime], str]) -> str:
    if until is None:
        return t("device.since", when=stamp(since))
    return t("device.from_to", start=stamp(since), end=stamp(until))
