"""Periods that must not overlap: leases of a home, installations of a channel."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anju.importer.known import Known, UnitKey
from anju.importer.problems import Problems
from anju.importer.sheets import Row
from wire import channels

_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class _Period:
    """One period, of a row of the folder (with its line) or of the database (without)."""

    start: Any
    end: Any
    name: str
    line: int | None

    def said(self) -> str:
        return self.name if self.line is None else f"{self.name} (line {self.line})"


def report_leases(rows: list[Row], known: Known, problems: Problems, file: str) -> None:
    """One home has one lease on any day; first and last day belong to it."""
    periods: dict[UnitKey, list[_Period]] = defaultdict(list)
    replaced = {row.text("code") for row in rows}
    for row in rows:
        start, end = row.values["starts_on"], row.values["ends_on"]
        period = _Period(start=start, end=end, name=row.text("code"), line=row.line)
        periods[row.text("estate"), row.text("unit")].append(period)
    for code, (unit, starts_on, ends_on) in known.leases.items():
        if code not in replaced and unit in periods:
            periods[unit].append(_Period(start=starts_on, end=ends_on, name=code, line=None))
    for (_, unit), listed in periods.items():
        _report(
            listed,
            problems,
            file,
            column="starts_on",
            what=(f"房屋 {unit} 同一天只能有一份租约", f"unit {unit} can have one lease a day"),
            touching=True,
        )


def report_installations(rows: list[Row], known: Known, problems: Problems, file: str) -> None:
    """A channel of a device hangs at one place at a time; a home has one meter of a channel at a time."""
    of_device: dict[tuple[str, int], list[_Period]] = defaultdict(list)
    of_unit: dict[tuple[str, str, int], list[_Period]] = defaultdict(list)
    replaced = {(row.text("device"), row.values["channel"], row.values["valid_from"]) for row in rows}
    for row in rows:
        period = _Period(
            start=row.values["valid_from"],
            end=row.values["valid_to"] or _FAR,
            name=row.text("device"),
            line=row.line,
        )
        of_device[row.text("device"), row.values["channel"]].append(period)
        if row.values["unit"] is not None and _is_metered(row.values["channel"]):
            of_unit[row.text("estate"), row.text("unit"), row.values["channel"]].append(period)
    for old in known.installations:
        if (old.device, old.channel, old.valid_from) in replaced:
            continue
        period = _Period(start=old.valid_from, end=old.valid_to or _FAR, name=old.device, line=None)
        if (old.device, old.channel) in of_device:
            of_device[old.device, old.channel].append(period)
        if old.unit is not None and (*old.unit, old.channel) in of_unit:
            of_unit[(*old.unit, old.channel)].append(period)
    for listed in of_device.values():
        what = ("一个设备通道同一时间只能装在一处", "one channel of a device hangs at one place at a time")
        _report(listed, problems, file, column="valid_from", what=what)
    for (_, unit, _), listed in of_unit.items():
        what = (
            f"房屋 {unit} 同一时间同一通道只能有一只表",
            f"unit {unit} can have one meter of a channel at a time",
        )
        _report(listed, problems, file, column="valid_from", what=what)


def _is_metered(code: int) -> bool:
    """A home has one meter of a channel, but may have several batteries or thermometers."""
    return code != channels.EVENTS and channels.BY_CODE[code].metered


def _report(
    periods: list[_Period],
    problems: Problems,
    file: str,
    *,
    column: str,
    what: tuple[str, str],
    touching: bool = False,
) -> None:
    """Report each row whose period meets an earlier one; `touching`: the end belongs to the period."""
    longest: _Period | None = None
    for period in sorted(periods, key=lambda p: (p.start, p.line or 0)):
        if longest is not None:
            meets = period.start <= longest.end if touching else period.start < longest.end
            # rows of the database do not overlap among themselves: one of the two has a line
            mine, other = (period, longest) if period.line is not None else (longest, period)
            if meets and mine.line is not None:
                problems.add(
                    "overlap",
                    file=file,
                    line=mine.line,
                    column=column,
                    value=mine.start,
                    other=other.said(),
                    what_zh=what[0],
                    what_en=what[1],
                )
        if longest is None or period.end > longest.end:
            longest = period
