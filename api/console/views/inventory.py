"""The list of devices: what each is, where it hangs, how it is, when it was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from api.console import words
from api.console.texts import Catalogue
from api.console.views.common import Choice
from api.console.views.kinds import KINDS, kind_of
from devices.conditions import SILENCES, Kind
from devices.overview import Overseen, State
from devices.profiles import load_profiles

#: What the filter offers.
STATES: tuple[State, ...] = ("all", "fault", "free", "retired")
#: What can be wrong, the worst first.
_FAULTS = tuple(Kind)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One device."""

    href: str
    code: str
    serial: str
    kind: str
    profile: str
    #: Homes and entrances with their pages; a page may be empty.
    places: tuple[tuple[str, str], ...]
    #: Class and mark of its chip; both empty where nothing is to be said.
    tone: str
    icon: str
    state: str
    #: How long ago; empty: never.
    heard: str


@dataclass(frozen=True, kw_only=True)
class ListView:
    """The page."""

    find: str
    #: One of `KINDS`; empty: every kind.
    kind: str
    kinds: tuple[tuple[str, str], ...]
    state: str
    filters: tuple[Choice, ...]
    rows: tuple[Row, ...]
    more_href: str


def list_view(
    t: Catalogue,
    found: Sequence[Overseen],
    *,
    find: str,
    kind: str,
    state: State,
    more: bool,
    linked: bool,
    now: datetime,
) -> ListView:
    """A page of the list.

    Parameters
    ----------
    linked : bool
        Whether the reader may open the pages of homes.
    """
    asked = ({"find": find} if find else {}) | ({"kind": kind} if kind else {})
    here = asked | ({"state": state} if state != "all" else {})
    return ListView(
        find=find,
        kind=kind,
        kinds=tuple((one, t.pick("device", f"kind_{one}")) for one in KINDS),
        state=state,
        filters=tuple(
            Choice(
                href=_href(asked | ({"state": one} if one != "all" else {})),
                text=t.pick("device", f"show_{one}"),
                current=one == state,
            )
            for one in STATES
        ),
        rows=tuple(_row(t, one, linked=linked, now=now) for one in found),
        more_href=_href(here | {"after": found[-1].code}) if more else "",
    )


def _row(t: Catalogue, one: Overseen, *, linked: bool, now: datetime) -> Row:
    tone, icon, state = _state(t, one)
    homes = zip(one.units, one.unit_ids, strict=True)
    return Row(
        href=f"/devices/{quote(one.code)}",
        code=one.code,
        serial=one.serial,
        kind=t.pick("device", f"kind_{kind_of(load_profiles().get(one.profile))}"),
        profile=one.profile,
        places=(
            *((unit, f"/units/{unit_id}" if linked else "") for unit, unit_id in homes),
            *((entrance, "") for entrance in one.entrances),
        ),
        tone=tone,
        icon=icon,
        state=state,
        heard=t("device.heard", age=words.age(t, now - one.heard_at)) if one.heard_at else "",
    )


def _state(t: Catalogue, one: Overseen) -> tuple[str, str, str]:
    """The struck square stands for what is retired or fails, and for nothing else."""
    if not one.active:
        return "unknown", "device", t("device.retired")
    fault = next((kind for kind in _FAULTS if kind in one.faults), None)
    if fault is not None:
        return "device", "silent" if fault in SILENCES else "device", t.pick("fault", fault)
    if not one.units and not one.entrances:
        return "unknown", "none", t("device.free")
    if one.heard_at is None:
        return "unknown", "silent", t("fault.never_heard")
    return "", "", t("device.well")


def _href(query: Mapping[str, str]) -> str:
    return "/devices" + (f"?{urlencode(query)}" if query else "")
