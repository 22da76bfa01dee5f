"""One import from the look at the folder to the report: everything is checked before anything is written."""

import getpass
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

import policy
from anju.errors import AnjuError
from anju.importer import bulk, folder, known, pack, sheets, tabular, write
from anju.importer.check import Checked, Rules, check
from anju.importer.coverage import Coverage
from anju.importer.problems import Problems
from anju.importer.series import Device, EventBlock, Limits, ReadingBlock, SeriesReader
from anju.importer.sheets import Row
from anju.importer.tables import BY_NAME
from anju.importer.write import Counts
from devices.errors import DevicesError
from devices.profiles import load_profiles
from housing.errors import HousingError
from ingest.limits import limits_of
from policy.book import PolicyBook
from storage import audit
from storage.personal import PersonalKey
from storage.pool import Connection
from wire import channels
from wire.events import EventType


class Progress(Protocol):
    """Who is told how far it got."""

    def begin(self, stage: str, total: int) -> None:
        """A stage begins: check, rows, readings, events."""
        ...

    def advance(self, by: int) -> None:
        """So many rows further."""
        ...


class ImportRefused(AnjuError):
    """The database changed since the files were checked; nothing was written."""


@dataclass(kw_only=True)
class Report:
    """What an import found and did."""

    folder: Path
    pack: bool = False
    problems: Problems = field(default_factory=Problems)
    #: Rows of each file, checked; once written, what became of them.
    tables: dict[str, Counts] = field(default_factory=dict)
    #: True when everything was written.
    written: bool = False

    @property
    def new(self) -> int:
        """Rows that were not there before."""
        return sum(counts.new for counts in self.tables.values())


@dataclass(kw_only=True)
class Import:
    """One import into one database.

    Parameters
    ----------
    city : str
        Whose policy gives the limits of values, and whose estates a pack's are.
    now : datetime
        Business time: of the audit entries, and the latest time of a reading.
    """

    connection: Connection
    path: Path
    city: str
    now: datetime
    progress: Progress
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        self.report = Report(folder=self.path)
        self._book = policy.load(self.city)

    def check(self) -> bool:
        """Check everything; nothing is written. Answers whether it may be."""
        problems = self.report.problems
        self._folder = folder.look(self.path, problems)
        self.report.pack = self._folder.pack
        self._known = known.read(self.connection)
        self.connection.rollback()
        checked, broken = self._rows()
        if checked is None:
            return False
        self._checked = checked
        self._reader = SeriesReader(
            known=self._devices(broken), limits=_limits(self._book, self.now), problems=problems
        )
        self.report.tables = {
            name: Counts(rows=len(rows)) for name, rows in checked.rows.items() if rows or name in broken
        }
        if checked.households:
            self.report.tables["households"] = Counts(rows=len(checked.households))
        self._check_series()
        self.connection.rollback()
        return problems.count == 0

    def write(self, *, key: PersonalKey, by: str) -> Report:
        """Write what `check` allowed.

        Parameters
        ----------
        by : str
            Who imports, for the audit log.

        Raises
        ------
        ImportRefused
            What was checked does not hold any more.
        """
        report = self.report
        detail = {"folder": self.path.name, "by": by, "os_user": getpass.getuser()}
        self.progress.begin("rows", 1)
        try:
            written = write.registry_rows(self.connection, self._checked, self._known, key=key)
        except (HousingError, DevicesError) as error:
            raise ImportRefused(f"{ImportRefused.__doc__} {error}") from error
        report.tables |= {name: counts for name, counts in written.items() if counts.rows}
        self._audit("import.started", detail)
        self.connection.commit()
        self.progress.advance(1)
        self._write_series()
        report.written = True
        counts = {name: [c.rows, c.new, c.changed] for name, c in report.tables.items()}
        self._audit("import.finished", detail | {"rows_new_changed": counts})
        self.connection.commit()
        return report

    def _rows(self) -> tuple[Checked | None, dict[str, list[Row]]]:
        problems = self.report.problems
        if self._folder.pack:
            return pack.read(self.path, city=self.city, problems=problems), {}
        read = {
            name: sheets.read(file, BY_NAME[name], problems) for name, file in self._folder.tables.items()
        }
        checked = check(read, self._known, self._rules(), problems)
        return checked, {name: sheet.broken for name, sheet in read.items()}

    def _rules(self) -> Rules:
        today = self._book.on(self.now.date())
        return Rules(
            profiles=load_profiles(),
            cities=[city.code for city in policy.cities()],
            lease_term=(today.lease.term_max, today.rules["lease_term_max"].article),
        )

    def _devices(self, broken: dict[str, list[Row]]) -> dict[str, Device]:
        """Every device that a reading may name, those of broken rows included: one mistake, one message."""
        profiles = load_profiles()
        zones = dict(self._known.estates)
        zones |= {row.text("code"): row.text("time_zone") for row in self._checked.rows["estates"]}
        anything = _Anything()
        found = {
            code: Device(profile=profiles.get(device.profile, anything), zone=zones.get(device.estate, "UTC"))
            for code, device in self._known.devices.items()
        }
        for row in (*self._checked.rows["devices"], *broken.get("devices", [])):
            found[row.text("code")] = Device(
                profile=profiles.get(row.text("profile"), anything),
                zone=zones.get(row.text("estate"), "UTC"),
            )
        return found

    def _check_series(self) -> None:
        if not self._folder.series:
            return
        coverage = self._coverage()
        self.progress.begin("check", sum(map(tabular.rows_in, self._folder.series.values())))
        for name, file in self._folder.series.items():
            rows = outside = flagged = 0
            if name == "readings":
                for block in self._readings(file):
                    rows += block.value.size
                    flagged += int((block.quality != 0).sum())
                    outside += self._outside(block, coverage)
                    self.progress.advance(block.value.size)
            else:
                for block in self._events(file):
                    rows += block.value.size
                    self.progress.advance(block.value.size)
            self.report.tables[name] = Counts(rows=rows)
            if outside:
                self.report.problems.notice("not_installed", file=file.name, column="time", count=outside)
            if flagged:
                self.report.problems.notice("soft_limit", file=file.name, column="value", count=flagged)

    def _coverage(self) -> Coverage | None:
        """The installations that there are and will be; a pack's cover all of it."""
        if self._folder.pack:
            return None
        mine = [
            (row.text("device"), row.values["channel"], row.values["valid_from"], row.values["valid_to"])
            for row in self._checked.rows["installations"]
        ]
        replaced = {found[:3] for found in mine}
        stored = [
            (old.device, old.channel, old.valid_from, old.valid_to)
            for old in self._known.installations
            if (old.device, old.channel, old.valid_from) not in replaced
        ]
        return Coverage([*mine, *stored])

    def _outside(self, block: ReadingBlock, coverage: Coverage | None) -> int:
        if coverage is None:
            return 0
        count = 0
        for part in bulk.series_of(block):
            first = part[0]
            device = self._reader.devices[block.device[first]]
            count += coverage.outside(device, int(block.channel[first]), block.time_us[part])
        return count

    def _readings(self, file: Path) -> Iterator[ReadingBlock]:
        return self._reader.readings(file, translated=pack.readings if self._folder.pack else None)

    def _events(self, file: Path) -> Iterator[EventBlock]:
        return self._reader.events(file, translated=pack.events if self._folder.pack else None)

    def _write_series(self) -> None:
        ids = known.read(self.connection).devices
        self.connection.rollback()
        # a device of a broken row never gets here: nothing is written then
        device_ids = np.array([ids[code].id for code in self._reader.devices], dtype=np.int64)
        for name, file in self._folder.series.items():
            self.progress.begin(name, self.report.tables[name].rows)
            if name == "readings":
                rows, new = bulk.readings(
                    self.connection, self._readings(file), device_ids, self.progress.advance
                )
            else:
                rows, new = bulk.events(
                    self.connection, self._events(file), device_ids, self.progress.advance
                )
            self.report.tables[name] = Counts(rows=rows, new=new, unchanged=rows - new)

    def _audit(self, action: str, detail: Mapping[str, object]) -> None:
        audit.record(
            self.connection,
            at=self.now,
            actor="system:import",
            action=action,
            subject=f"import:{self.path.name}",
            detail=detail,
        )


class _Anything:
    """Stands in for a profile that is not known: that is reported once, where the device is."""

    channels: Mapping[str, object] = MappingProxyType(dict.fromkeys(channels.BY_NAME))
    events: frozenset[str] = frozenset(kind.name for kind in EventType)


def _limits(book: PolicyBook, now: datetime) -> Limits:
    found = limits_of(book.on(now.date()).ingest)
    return Limits(
        earliest_us=found.earliest_us,
        latest_us=int(now.timestamp() * 1_000_000) + found.latest_ahead_us,
        ranges={
            code: (limits.hard_min, limits.soft_min, limits.soft_max, limits.hard_max)
            for code, limits in found.ranges.items()
        },
    )
