"""The devices of a home: whether each was heard, how much of its days is known, and which are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from api.console import words
from api.console.reads import Installed, UnitDays
from api.console.texts import Catalogue
from api.console.views.board import source_word
from devices.conditions import SILENCES, Kind
from housing.board import SourceState
from wire.channels import BY_CODE, BY_NAME, EVENTS

_ENERGY, _WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
#: What a home is expected to have; the page says when one is missing.
_EXPECTED = (_ENERGY, _WATER, EVENTS)
#: What can be wrong, the worst first.
_FAULTS = tuple(Kind)
#: State → class and mark of its chip.
_CHIPS = {"good": ("ok", "ok"), "silent": ("device", "silent"), "no_data": ("unknown", "none")}


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """One device of the home."""

    name: str
    code: str
    #: Class of the chip: ok, device, unknown.
    tone: str
    icon: str
    state: str
    detail: str


def device_rows(
    t: Catalogue,
    sources: Sequence[SourceState],
    days: UnitDays | None,
    installed: Installed | None,
    *,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[DeviceRow, ...]:
    """Meters first, then what reports events, then what is expected but not there.

    Parameters
    ----------
    days, installed
        For how much of the year each meter was heard; None: the reader may not see use.
    """
    shown = [one for one in sources if one.channel == EVENTS or BY_CODE[one.channel].metered]
    shown.sort(key=lambda one: (one.channel == EVENTS, one.channel, one.device))
    coverage: dict[int, str | None] = {}
    if days is not None and installed is not None:
        coverage = {
            _ENERGY: _coverage(days.energy_kwh[installed.energy :]),
            _WATER: _coverage(days.water_l[installed.water :]),
        }
    rows = [_row(t, one, coverage.get(one.channel), zone, now) for one in shown]
    present = {one.channel for one in sources}
    rows += [
        DeviceRow(
            name=source_word(t, channel),
            code="–",
            tone="unknown",
            icon="none",
            state=t("unit.not_fitted"),
            detail="",
        )
        for channel in _EXPECTED
        if channel not in present
    ]
    return tuple(rows)


def _row(t: Catalogue, source: SourceState, coverage: str | None, zone: ZoneInfo, now: datetime) -> DeviceRow:
    said = [] if source.heard_at is None else [words.stamp(t, source.heard_at, zone, now=now)]
    if coverage is not None:
        said.append(t("unit.coverage", percent=coverage))
    fault = next((kind for kind in _FAULTS if kind in source.conditions), None)
    if fault is not None:
        word, (tone, icon) = t.pick("fault", fault), ("device", "silent" if fault in SILENCES else "device")
    else:
        state = "silent" if source.silent else ("no_data" if source.heard_at is None else "good")
        word, (tone, icon) = t.pick("unit", state), _CHIPS[state]
    return DeviceRow(
        name=_name(t, source),
        code=source.serial or source.device,
        tone=tone,
        icon=icon,
        state=word,
        detail=" · ".join(said) or t("unit.never"),
    )


def _name(t: Catalogue, source: SourceState) -> str:
    """What reports events is called by its profile: lock-native, hazard-native …"""
    kind = source.profile.partition("-")[0]
    if source.channel == EVENTS and f"unit.{kind}" in t.entries:
        return t.pick("unit", kind)
    return source_word(t, source.channel)


def _coverage(values: np.ndarray) -> str | None:
    """Share of the days since the installation that are known, in percent."""
    return f"{100 * np.isfinite(values).mean():.1f}" if values.size else None
