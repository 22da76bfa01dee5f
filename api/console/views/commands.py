"""Commands to a device in words: what it can be told, what became of what it was told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from api.console import words
from api.console.texts import Catalogue
from devices import safety
from devices.commands import TRANSITIONS, Command
from devices.listing import Listed
from devices.profiles import load_profiles
from devices.proposals import Waiting
from wire.commands import COMMANDS, PRESSURE_ARTICLE, PRESSURES, REASONS
from wire.commands import Command as Kind

#: Status → class and mark of its chip.
_CHIPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "proposed": ("lead", "mid"),
        "queued": ("", "pause"),
        "sent": ("", "pause"),
        "acknowledged": ("ok", "ok"),
        "failed": ("device", "device"),
        "expired": ("unknown", "none"),
        "refused": ("unknown", "none"),
    }
)
#: These wait for somebody, or for the device.
_WAITING = ("proposed", "queued", "sent")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One command that was asked for."""

    id: UUID
    name: str
    tone: str
    icon: str
    status: str
    when: str
    #: Who asked and approved, for which reason, why it was refused, what the device said.
    facts: tuple[str, ...]
    note: str
    can_approve: bool
    can_refuse: bool


@dataclass(frozen=True, kw_only=True)
class WaitingRow:
    """One proposal on the page of those that wait."""

    row: Row
    device: str
    href: str
    #: Where the device hangs; empty: nowhere.
    places: str
    #: How much time is left.
    left: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something that the device can be told."""

    href: str
    text: str
    #: One press is enough: it needs neither a reason nor a number.
    simple: bool
    #: Its id, so that pressing twice asks once.
    id: UUID


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The part of a device's page."""

    rows: tuple[Row, ...]
    #: More than these were asked for.
    cut: bool
    #: Empty: the reader may not ask, or the device understands none.
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class Form:
    """What was typed."""

    id: UUID
    reason: str = ""
    note: str = ""
    seconds: str = ""

    @classmethod
    def empty(cls) -> "Form":
        """A form nobody has typed into."""
        return cls(id=uuid4())


@dataclass(frozen=True, kw_only=True)
class FormView:
    """The form of one command."""

    code: str
    device_href: str
    action: str
    name: str
    needs_two: bool
    #: (code, text) of the reasons of safety for which this device may be told so.
    reasons: tuple[tuple[str, str], ...]
    #: What is never a reason, and the law that says so.
    never: str
    article: str
    #: Name → smallest and largest.
    arguments: tuple[tuple[str, int, int], ...]
    form: Form


def panel(
    t: Catalogue,
    found: Listed,
    several: Sequence[Command],
    *,
    kinds: Sequence[Kind],
    by: str,
    now: datetime,
    last: bool,
) -> Panel:
    """Put the newest commands into words.

    Parameters
    ----------
    by : str
        Who reads: nobody approves what they asked for.
    """
    zone = ZoneInfo(found.time_zone)
    return Panel(
        rows=tuple(_row(t, one, by=by, zone=zone, now=now) for one in several),
        cut=last,
        choices=tuple(
            Choice(
                href=f"/devices/{quote(found.code)}/commands/{kind.name}",
                text=t.of(kind.zh, kind.en),
                simple=not kind.needs_two and not kind.arguments,
                id=uuid4(),
            )
            for kind in kinds
        ),
    )


def waiting_row(t: Catalogue, one: Waiting, *, by: str, now: datetime) -> WaitingRow:
    """Put a proposal that waits into words."""
    zone, command = ZoneInfo(one.time_zone), one.command
    return WaitingRow(
        row=_row(t, command, by=by, zone=zone, now=now),
        device=command.device,
        href=f"/devices/{quote(command.device)}#commands",
        places=t("lang.list").join(one.places),
        left=t("command.left", age=words.age(t, command.expires_at - now)),
    )


def form_view(t: Catalogue, found: Listed, kind: Kind, form: Form) -> FormView:
    """Put the form of one command into words."""
    path = f"/devices/{quote(found.code)}"
    profile = load_profiles().get(found.profile)
    fitting = safety.fitting(kind, profile) if profile is not None else kind.reasons
    return FormView(
        code=found.code,
        device_href=path,
        action=f"{path}/commands/{kind.name}",
        name=t.of(kind.zh, kind.en),
        needs_two=kind.needs_two,
        reasons=tuple((code, t.of(one.zh, one.en)) for code, one in REASONS.items() if code in fitting),
        never=t("lang.list").join(t.of(one.zh, one.en) for one in PRESSURES.values()),
        article=PRESSURE_ARTICLE,
        arguments=tuple((name, low, high) for name, (low, high) in kind.arguments.items()),
        form=form,
    )


def _row(t: Catalogue, one: Command, *, by: str, zone: ZoneInfo, now: datetime) -> Row:
    over = one.status in _WAITING and one.expires_at <= now
    status = "expired" if over else one.status
    tone, icon = _CHIPS[status]
    kind = COMMANDS.get(one.name)
    name = t.of(kind.zh, kind.en) if kind is not None else one.name
    values = t("lang.list").join(t.pick("command", f"is_{key}", n=n) for key, n in one.arguments.items())
    return Row(
        id=one.id,
        name=f"{name} {values}".strip(),
        tone=tone,
        icon=icon,
        status=t.pick("command", f"status_{status}"),
        when=words.stamp(t, one.asked_at, zone, now=now),
        facts=tuple(_facts(t, one, waits=status in _WAITING, zone=zone, now=now)),
        note=one.note,
        can_approve=not over and (one.status, "approve") in TRANSITIONS and one.asked_by != by,
        can_refuse=not over and (one.status, "refuse") in TRANSITIONS,
    )


def _facts(t: Catalogue, one: Command, *, waits: bool, zone: ZoneInfo, now: datetime) -> list[str]:
    facts = [t("command.asked", name=_name(one.asked_by))]
    if one.approved_by:
        facts.append(t("command.approved", name=_name(one.approved_by)))
    reason = REASONS.get(one.reason) or PRESSURES.get(one.reason)
    if reason is not None:
        facts.append(t.of(reason.zh, reason.en))
    if one.refusal:
        facts.append(t.pick("command", f"refusal_{one.refusal}"))
    if one.attempts > 1:
        facts.append(t("command.attempts", n=one.attempts))
    said = str((one.answer or {}).get("detail") or "")
    if said:
        facts.append(t("command.answer", text=said))
    if waits:
        facts.append(t("command.until", when=words.stamp(t, one.expires_at, zone, now=now)))
    elif one.ended_at is not None:
        facts.append(t("command.ended", when=words.stamp(t, one.ended_at, zone, now=now)))
    return facts


def _name(actor: str) -> str:
    return actor.partition(":")[2] or actor
