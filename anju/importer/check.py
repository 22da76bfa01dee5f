"""Rows against rows: references, periods, overlaps. Nothing is written here."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from anju.importer.columns import BadField, localise
from anju.importer.known import Known
from anju.importer.overlaps import report_installations, report_leases
from anju.importer.problems import Problems
from anju.importer.sheets import Row, Sheet
from policy.periods import Period
from wire import channels
from wire.envelope import SERVICES, is_device_code

#: How `installations` calls the channel that carries a device's events.
EVENTS = "events"

_NOUNS = {
    "building": ("楼栋", "building"),
    "device": ("设备", "device"),
    "estate": ("小区", "estate"),
    "gateway": ("网关", "gateway"),
    "household": ("住户", "household"),
    "lease": ("租约", "lease"),
    "resident": ("人员", "resident"),
    "unit": ("房屋", "unit"),
}


class Profile(Protocol):
    """What the check needs of a device profile."""

    @property
    def channels(self) -> Mapping[str, object]: ...
    @property
    def events(self) -> Collection[str]: ...


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the deployment allows, beside what its database holds."""

    profiles: Mapping[str, Profile]
    #: Files of policy/.
    cities: Collection[str]
    #: The longest usual lease, and the article that says so; None: no rule.
    lease_term: tuple[Period, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Rows that may be written: times aware, estates filled in, file order kept."""

    rows: Mapping[str, list[Row]]
    #: Derived from leases and residents: code → (size, elder alone).
    households: Mapping[str, tuple[int, bool]]


def check(sheets: Mapping[str, Sheet], known: Known, rules: Rules, problems: Problems) -> Checked:
    """Check every row against the folder and the database.

    Parameters
    ----------
    sheets : mapping
        Parsed files by table name; an absent table is an absent file.
    problems : Problems
        Takes everything that is wrong; if it took any, the answer must not be written.
    """
    return _Check(sheets, known, rules, problems).run()


class _Check:
    """One pass over the tables in their order, later ones against the codes of earlier ones."""

    def __init__(self, sheets: Mapping[str, Sheet], known: Known, rules: Rules, problems: Problems) -> None:
        self.sheets = sheets
        self.known = known
        self.rules = rules
        self.problems = problems
        self.zones = {code: ZoneInfo(zone) for code, zone in known.estates.items()}
        self.codes: dict[str, set[str]] = {
            "household": set(known.households),
            "resident": set(known.residents),
            "lease": set(known.leases),
        }
        self.buildings = set(known.buildings)
        self.units = set(known.units)
        #: code → (profile, estate)
        self.devices = {code: (device.profile, device.estate) for code, device in known.devices.items()}

    def run(self) -> Checked:
        self._take_codes()
        rows = {
            "estates": self._each("estates", self._estate),
            "buildings": self._each("buildings", self._building),
            "units": self._each("units", self._unit),
            "residents": self._each("residents", self._resident),
            "leases": self._each("leases", self._lease),
            "occupants": self._each("occupants", self._occupant),
            "absences": self._each("absences", self._absence),
            "devices": self._each("devices", self._device),
            "installations": self._each("installations", self._installation),
        }
        households = self._households(rows["leases"], rows["residents"])
        report_leases(rows["leases"], self.known, self.problems, self._file("leases"))
        report_installations(rows["installations"], self.known, self.problems, self._file("installations"))
        return Checked(rows=rows, households=households)

    # --- one row of each table: completes `values`, answers whether the row may be written ---

    def _estate(self, row: Row, _values: dict[str, Any]) -> bool:
        if row.text("city") in self.rules.cities:
            return True
        return self._bad("estates", row, "city", "not_in_list", known=", ".join(sorted(self.rules.cities)))

    def _building(self, row: Row, values: dict[str, Any]) -> bool:
        return self._place("buildings", row, values)

    def _unit(self, row: Row, values: dict[str, Any]) -> bool:
        if not self._place("units", row, values):
            return False
        if (str(values["estate"]), row.text("building")) in self.buildings:
            return True
        return self._unknown("units", row, "building")

    def _resident(self, row: Row, values: dict[str, Any]) -> bool:
        values["subject"] = row.text("subject") or row.text("code")
        return True

    def _lease(self, row: Row, values: dict[str, Any]) -> bool:
        sound = self._of_unit("leases", row, values) and self._ordered("leases", row, "starts_on", "ends_on")
        if sound and self.rules.lease_term is not None:
            term, article = self.rules.lease_term
            starts_on, ends_on = cast("tuple[date, date]", (row.values["starts_on"], row.values["ends_on"]))
            if ends_on > term.after(starts_on - timedelta(days=1)):
                self.problems.notice(
                    "long_lease",
                    file=self._file("leases"),
                    line=row.line,
                    column="ends_on",
                    value=ends_on,
                    days=(ends_on - starts_on).days + 1,
                    article=article,
                )
        return sound

    def _occupant(self, row: Row, values: dict[str, Any]) -> bool:
        sound = self._of_unit("occupants", row, values)
        sound &= self._refers("occupants", row, "resident")
        sound &= row.values["lease"] is None or self._refers("occupants", row, "lease")
        return sound and self._ordered("occupants", row, "starts_at", "ends_at", values)

    def _absence(self, row: Row, values: dict[str, Any]) -> bool:
        sound = self._of_unit("absences", row, values)
        return sound and self._ordered("absences", row, "starts_at", "ends_at", values)

    def _device(self, row: Row, values: dict[str, Any]) -> bool:
        if not self._place("devices", row, values):
            return False
        if not is_device_code(row.text("code")):
            return self._bad("devices", row, "code", "not_device_code")
        if row.text("code") in SERVICES:
            return self._bad("devices", row, "code", "reserved_device_code")
        gateway = row.values["gateway"]
        if gateway is not None and (gateway == row.text("code") or gateway not in self.devices):
            return self._unknown("devices", row, "gateway")
        if row.text("profile") in self.rules.profiles:
            return True
        known = ", ".join(sorted(self.rules.profiles))
        return self._bad("devices", row, "profile", "not_in_list", known=known)

    def _installation(self, row: Row, values: dict[str, Any]) -> bool:
        device = self.devices.get(row.text("device"))
        if device is None:
            return self._unknown("installations", row, "device")
        profile_name, estate = device
        values["estate"] = row.text("estate") or estate
        sound = self._place("installations", row, values)
        unit, entrance = row.values["unit"], row.values["entrance"]
        if (unit is None) == (entrance is None):
            sound = self._bad("installations", row, "unit", "unit_or_entrance")
        elif unit is not None and sound and (str(values["estate"]), str(unit)) not in self.units:
            sound = self._unknown("installations", row, "unit")
        profile = self.rules.profiles.get(profile_name)
        if profile is not None:
            code = channel_code(row.text("channel"), profile)
            if code is None:
                known = ", ".join([*profile.channels, *([EVENTS] if profile.events else [])])
                sound = self._bad(
                    "installations",
                    row,
                    "channel",
                    "channel_not_in_profile",
                    profile=profile_name,
                    known=known,
                )
            else:
                values["channel"] = code
        return sound and self._ordered("installations", row, "valid_from", "valid_to", values)

    # --- what the rows share ---

    def _each(self, name: str, rule: Callable[[Row, dict[str, Any]], bool]) -> list[Row]:
        kept: list[Row] = []
        if name not in self.sheets:
            return kept
        for row in self.sheets[name].rows:
            values = dict(row.values)
            if rule(row, values):
                kept.append(Row(line=row.line, values=values))
        return kept

    def _take_codes(self) -> None:
        """Codes that rows may name, those of broken rows included: one mistake, one message."""
        for row in self._rows("estates"):
            self.zones[row.text("code")] = ZoneInfo(row.text("time_zone"))
        for row in self._rows("buildings"):
            self.buildings.add((row.text("estate") or self._sole_estate(), row.text("code")))
        for row in self._rows("units"):
            self.units.add((row.text("estate") or self._sole_estate(), row.text("code")))
        for row in self._rows("devices"):
            estate = row.text("estate") or self._sole_estate()
            self.devices[row.text("code")] = (row.text("profile"), estate)
        for table, noun, column in (
            ("residents", "resident", "code"),
            ("residents", "household", "household"),
            ("leases", "lease", "code"),
            ("leases", "household", "household"),
        ):
            self.codes[noun] |= {row.text(column) for row in self._rows(table)}

    def _rows(self, table: str) -> list[Row]:
        return self.sheets[table].all_rows() if table in self.sheets else []

    def _sole_estate(self) -> str:
        return next(iter(self.zones)) if len(self.zones) == 1 else ""

    def _place(self, table: str, row: Row, values: dict[str, Any]) -> bool:
        """Fill in the estate and make local times aware."""
        estate = str(values["estate"] or self._sole_estate())
        if not estate:
            return self._bad(table, row, "estate", "needs_estate")
        values["estate"] = estate
        if estate not in self.zones:
            return self._unknown(table, row, "estate")
        sound = True
        for name, value in values.items():
            if isinstance(value, datetime):
                try:
                    values[name] = localise(value, self.zones[estate])
                except BadField as bad:
                    sound = self._bad(table, row, name, bad.code)
        return sound

    def _of_unit(self, table: str, row: Row, values: dict[str, Any]) -> bool:
        if not self._place(table, row, values):
            return False
        if (str(values["estate"]), row.text("unit")) in self.units:
            return True
        return self._unknown(table, row, "unit")

    def _refers(self, table: str, row: Row, noun: str) -> bool:
        return row.text(noun) in self.codes[noun] or self._unknown(table, row, noun)

    def _ordered(
        self,
        table: str,
        row: Row,
        first: str,
        last: str,
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """A period of instants must have a length; one of whole days may be a single day."""
        start, end = (values or row.values)[first], (values or row.values)[last]
        if end is None or (start < end if values is not None else start <= end):
            return True
        return self._bad(table, row, last, "order", start=row.values[first])

    def _unknown(self, table: str, row: Row, noun: str) -> bool:
        noun_zh, noun_en = _NOUNS[noun]
        return self._bad(table, row, noun, "unknown_reference", noun_zh=noun_zh, noun_en=noun_en)

    def _bad(self, table: str, row: Row, column: str, code: str, **words: object) -> bool:
        value = row.values.get(column)
        self.problems.add(code, file=self._file(table), line=row.line, column=column, value=value, **words)
        return False

    def _file(self, table: str) -> str:
        return self.sheets[table].file if table in self.sheets else f"{table}.csv"

    def _households(self, leases: list[Row], residents: list[Row]) -> dict[str, tuple[int, bool]]:
        """Size and elder flag of every household that the folder says something new about."""
        listed = Counter(row.text("household") for row in residents if row.values["household"])
        stated: dict[str, Row] = {}
        for row in leases:
            code = row.text("household")
            first = stated.setdefault(code, row)
            for column in ("household_size", "elder_alone"):
                mine, other = row.values[column], first.values[column]
                if mine is not None and other is not None and mine != other:
                    self._bad("leases", row, column, "household_differs", other=first.line)
        found: dict[str, tuple[int, bool]] = {}
        for code in [*stated, *(code for code in listed if code not in stated)]:
            size, elder = None, None
            if code in stated:
                size = stated[code].values["household_size"]
                elder = stated[code].values["elder_alone"]
            if code in self.known.households:
                if size is None and elder is None:
                    continue
                old_size, old_elder = self.known.households[code]
                found[code] = (
                    int(str(size)) if size is not None else old_size,
                    bool(elder) if elder is not None else old_elder,
                )
            elif size is not None or code in listed:
                found[code] = (int(str(size)) if size is not None else listed[code], bool(elder))
            else:
                self._bad("leases", stated[code], "household_size", "household_size")
        return found


def channel_code(name: str, profile: Profile) -> int | None:
    """Database code of a channel that the profile has; None: it has no such channel."""
    if name == EVENTS:
        return channels.EVENTS if profile.events else None
    if name not in profile.channels:
        return None
    return channels.BY_NAME[name].code
