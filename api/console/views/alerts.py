"""Alerts, what became of one, and the homes of which nothing is heard, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from alerts import kinds
from alerts.handling import Step
from alerts.listing import Alert
from api.console import words
from api.console.texts import Catalogue
from api.console.views.common import Choice
from devices.coverage import Uncovered

#: What the page can show.
SHOWN = ("current", "over", "all")
#: Severity → class and mark of its chip.
_CHIPS = {"critical": ("hazard", "hazard"), "warning": ("device", "device"), "info": ("unknown", "silent")}
#: Alerts of the installation are read in its own time.
_HOME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One alert of the list."""

    href: str
    #: The home, or what else it is about.
    what: str
    device: str
    sentence: str
    severity: str
    tone: str
    icon: str
    since: str
    #: How often it came, if more than once.
    times: str
    status: str
    #: Its cause is gone.
    over: bool


@dataclass(frozen=True, kw_only=True)
class AlertsView:
    """The list."""

    shown: str
    filters: tuple[Choice, ...]
    rows: tuple[Row, ...]
    more_href: str
    #: The newest pass over the devices; empty: there was none.
    watched: str
    #: The passes have stopped.
    stale: bool
    #: Homes of which nothing is heard, and where they stand.
    uncovered: int
    uncovered_href: str


@dataclass(frozen=True, kw_only=True)
class Past:
    """Something that became of it."""

    title: str
    when: str
    who: str
    note: str


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """One alert."""

    row: Row
    version: int
    facts: tuple[tuple[str, str], ...]
    unit_href: str
    #: What its reader may do now.
    actions: tuple[str, ...]
    undo: bool
    history: tuple[Past, ...]


@dataclass(frozen=True, kw_only=True)
class UncoveredRow:
    """A home of which nothing is heard."""

    href: str
    unit: str
    estate: str
    devices: str
    since: str


def listed(
    t: Catalogue,
    found: Sequence[Alert],
    *,
    shown: str,
    counts: Mapping[str, int],
    more: bool,
    watched_at: datetime | None,
    stale: bool,
    uncovered: int,
    now: datetime,
) -> AlertsView:
    """Put one page of alerts into words."""
    query = {} if shown == "current" else {"show": shown}
    last = found[-1] if found else None
    return AlertsView(
        shown=shown,
        filters=tuple(
            Choice(
                href="/alerts" + ("" if name == "current" else f"?{urlencode({'show': name})}"),
                text=t.pick("alerts", f"show_{name}", n=counts.get(name, 0)),
                current=name == shown,
            )
            for name in SHOWN
        ),
        rows=tuple(row(t, one, now=now) for one in found),
        more_href=f"/alerts?{urlencode({**query, 'after': f'{last.rank}-{last.id}'})}"
        if more and last
        else "",
        watched=words.age(t, now - watched_at) if watched_at else "",
        stale=stale,
        uncovered=uncovered,
        uncovered_href="/uncovered",
    )


def row(t: Catalogue, one: Alert, *, now: datetime) -> Row:
    """One alert in words."""
    tone, icon = _CHIPS[one.severity]
    return Row(
        href=f"/alerts/{one.id}",
        what=one.unit or (t("alerts.installation") if one.device is None else one.serial or one.device),
        device=(one.serial or one.device or "") if one.unit else "",
        sentence=_sentence(t, one),
        severity=t.pick("alerts", one.severity),
        tone=tone,
        icon=icon,
        since=words.stamp(t, one.since, _zone(one), now=now),
        times=t("alerts.times", n=one.times) if one.times > 1 else "",
        status=t.pick("alerts", one.status),
        over=one.cleared_at is not None,
    )


def shown_alert(
    t: Catalogue,
    one: Alert,
    done: Sequence[Step],
    *,
    actions: Sequence[str],
    names: Mapping[str, str],
    now: datetime,
) -> AlertView:
    """Put one alert into words."""
    zone = _zone(one)
    stamp = {
        name: words.stamp(t, at, zone, now=now)
        for name, at in (
            ("since", one.since),
            ("raised", one.raised_at),
            ("seen", one.seen_at),
            ("cleared", one.cleared_at),
        )
        if at is not None
    }
    facts = [(t.pick("alerts", f"fact_{name}"), text) for name, text in stamp.items()]
    if one.device:
        facts.append((t("alerts.fact_device"), one.serial or one.device))
    if one.estate:
        facts.append((t("alerts.fact_estate"), one.estate))
    facts.append((t("alerts.fact_times"), str(one.times)))
    return AlertView(
        row=row(t, one, now=now),
        version=one.version,
        facts=tuple(facts),
        unit_href="" if one.unit_id is None else f"/units/{one.unit_id}",
        actions=tuple(action for action in actions if action != "undo"),
        undo="undo" in actions,
        history=tuple(
            Past(
                title=t.pick("alerts", f"did_{step.action}"),
                when=words.stamp(t, step.at, zone, now=now),
                who="" if step.action == "raise" else names.get(step.by, step.by),
                note=step.note,
            )
            for step in done
        ),
    )


def uncovered_rows(t: Catalogue, found: Sequence[Uncovered], *, now: datetime) -> tuple[UncoveredRow, ...]:
    """Put homes of which nothing is heard into words."""
    return tuple(
        UncoveredRow(
            href=f"/units/{one.unit_id}",
            unit=one.unit,
            estate=one.estate,
            devices=t("uncovered.devices", n=one.devices) if one.devices else t("uncovered.no_device"),
            since=words.stamp(t, one.since, ZoneInfo(one.time_zone), now=now)
            if one.since
            else t("uncovered.never"),
        )
        for one in found
    )


def _sentence(t: Catalogue, one: Alert) -> str:
    detail = dict(one.detail)
    if "channel" in detail:
        detail["channel"] = t.pick("channel", str(detail["channel"]))
    return t.of(*kinds.sentence(one.kind, detail))


def _zone(one: Alert) -> ZoneInfo:
    return ZoneInfo(one.time_zone or _HOME_ZONE)
