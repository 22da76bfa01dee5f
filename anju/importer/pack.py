"""A back-test pack as an import: `units`, `residents`, `absences`, `readings`, `events` and `meta.json`.

What a pack does not state is made up the same way every time: buildings of six floors, the device codes,
the lease of a household that moved out before the stated lease begins. Its labels are not read.
"""
# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from anju.importer.check import Checked
from anju.importer.columns import BadField, zone_name
from anju.importer.problems import Problems
from anju.importer.sheets import Row
from anju.importer.tables import TABLES
from anju.importer.tabular import Piece, foreign_pieces
from wire import channels

FILES = ("units", "readings", "events", "residents", "absences")
_COLUMNS = {
    "units": {"unit_id", "estate", "floor_area_m2", "registered_occupants", "lease_start", "lease_end",
              "elder_alone", "has_lock", "contract_kw"},
    "readings": {"unit_id", "channel", "ts", "received_at", "value"},
    "events": {"unit_id", "ts", "type", "method", "subject", "value"},
    "residents": {"unit_id", "subject", "relation", "start", "end"},
    "absences": {"unit_id", "registered_at", "start", "end", "reason"},
}  # fmt: skip
_FLOORS, _DOORS = 6, 4
#: Suffix of a device's code by what it measures.
_METERS = {"energy_kwh": "-e", "water_l": "-w"}
_LOCK, _HAZARD = "-l", "-h"
_LOCK_EVENTS = ("entry", "door_opened", "door_left_open", "door_forced")
_EVENT_NAMES = {"door_open": "door_opened"}
#: The subject of an entry whose reader knew nobody.
_NOBODY = "stranger"
#: A register that stays below this rolls over here.
_SMALL_REGISTER_L = 100_000


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the large files say about the devices there must have been."""

    first_at: datetime
    #: unit → highest register
    highest_l: dict[str, float]
    #: Units with an event of a lock.
    locks: set[str]
    #: Units with another event.
    hazards: set[str]


def is_pack(folder: Path) -> bool:
    """Say whether a folder is a back-test pack."""
    return (folder / "meta.json").is_file() and (folder / "units.parquet").is_file()


def read(folder: Path, *, city: str, problems: Problems) -> Checked | None:
    """Read everything but readings and events; None when the pack is damaged (reported).

    Parameters
    ----------
    city : str
        Whose policy the pack's estates are under.
    """
    tables = {name: _table(folder, name, problems) for name in FILES if name not in ("readings", "events")}
    zone = _zone(folder, problems)
    seen = _seen(folder, problems)
    if problems.count or zone is None or seen is None:
        return None
    units = tables["units"].sort_by("unit_id").to_pylist()
    residents = tables["residents"].to_pylist()
    rows = {table.name: [] for table in TABLES}
    households: dict[str, tuple[int, bool]] = {}
    for estate in sorted({unit["estate"] for unit in units}):
        rows["estates"].append(
            {"code": estate, "name": f"回测小区 {estate}", "name_en": f"Back-test {estate}", "city": city,
             "time_zone": zone}
        )  # fmt: skip
    _place(units, rows)
    of_unit: dict[str, list[dict[str, Any]]] = {}
    for resident in residents:
        of_unit.setdefault(resident["unit_id"], []).append(resident)
    for unit in units:
        _people(unit, of_unit.get(unit["unit_id"], []), ZoneInfo(zone), rows, households)
        _devices(unit, seen, rows)
    estate_of = {unit["unit_id"]: unit["estate"] for unit in units}
    for absence in tables["absences"].to_pylist():
        rows["absences"].append(
            {"estate": estate_of[absence["unit_id"]], "unit": absence["unit_id"],
             "registered_at": absence["registered_at"], "starts_at": absence["start"],
             "ends_at": absence["end"], "reason": absence["reason"], "approved_by": ""}
        )  # fmt: skip
    return Checked(
        rows={name: [Row(line=n + 1, values=v) for n, v in enumerate(found)] for name, found in rows.items()},
        households=households,
    )


def readings(piece: Piece) -> Piece:
    """A piece of `readings.parquet` with our columns."""
    table = piece.table
    channel = table["channel"].cast(pa.string())
    suffix = pc.if_else(pc.equal(channel, "energy_kwh"), _METERS["energy_kwh"], _METERS["water_l"])
    return Piece(
        table=pa.table(
            {
                "device": pc.binary_join_element_wise(table["unit_id"].cast(pa.string()), suffix, ""),
                "channel": channel,
                "time": table["ts"],
                "received_at": table["received_at"],
                "value": table["value"],
            }
        ),
        lines=piece.lines,
    )


def events(piece: Piece) -> Piece:
    """A piece of `events.parquet` with our columns."""
    table = piece.table
    kind = _event_names(table["type"])
    of_lock = pc.is_in(kind, pa.array(_LOCK_EVENTS))
    value = table["value"].cast(pa.float64())
    return Piece(
        table=pa.table(
            {
                "device": pc.binary_join_element_wise(
                    table["unit_id"].cast(pa.string()), pc.if_else(of_lock, _LOCK, _HAZARD), ""
                ),
                "time": table["ts"],
                "type": kind,
                "method": table["method"],
                "subject": pc.if_else(
                    pc.equal(table["subject"], _NOBODY), "", table["subject"].cast(pa.string())
                ),
                "result": pc.if_else(pc.equal(kind, "entry"), "granted", ""),
                "value": pc.if_else(pc.equal(value, 0.0), pa.scalar(None, pa.float64()), value),
            }
        ),
        lines=piece.lines,
    )


def _table(folder: Path, name: str, problems: Problems) -> Any:
    file = folder / f"{name}.parquet"
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        problems.add("unreadable", file=file.name, why=str(error).splitlines()[0])
        return None
    for column in sorted(_COLUMNS[name] - set(table.column_names)):
        problems.add("missing_column", file=file.name, column=column)
    return table


def _zone(folder: Path, problems: Problems) -> str | None:
    try:
        zone = str(json.loads((folder / "meta.json").read_text(encoding="utf-8"))["time_zone"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.add("unreadable", file="meta.json", why=error)
        return None
    try:
        return zone_name(zone)
    except BadField as bad:
        problems.add(bad.code, file="meta.json", line=None, column="time_zone", value=zone, **bad.words)
        return None


def _seen(folder: Path, problems: Problems) -> _Seen | None:
    first: datetime | None = None
    highest: dict[str, float] = {}
    locks: set[str] = set()
    hazards: set[str] = set()
    for name in ("readings", "events"):
        file = folder / f"{name}.parquet"
        for piece in foreign_pieces(file, problems):
            table = piece.table
            missing = _COLUMNS[name] - set(table.column_names)
            if missing:
                problems.add("missing_column", file=file.name, column=min(missing))
                return None
            if table.num_rows == 0:
                continue
            earliest = pc.min(table["ts"]).as_py()
            first = earliest if first is None or earliest < first else first
            if name == "readings":
                water = table.filter(pc.equal(table["channel"], "water_l"))
                for row in water.group_by("unit_id").aggregate([("value", "max")]).to_pylist():
                    highest[row["unit_id"]] = max(highest.get(row["unit_id"], 0.0), row["value_max"])
            else:
                of_lock = pc.is_in(_event_names(table["type"]), pa.array(_LOCK_EVENTS))
                locks |= set(table.filter(of_lock)["unit_id"].unique().to_pylist())
                hazards |= set(table.filter(pc.invert(of_lock))["unit_id"].unique().to_pylist())
    if first is None:
        problems.add("empty_file", file="readings.parquet")
        return None
    return _Seen(first_at=first.astimezone(UTC), highest_l=highest, locks=locks, hazards=hazards)


def _event_names(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.cast(pa.string())
    for theirs, ours in _EVENT_NAMES.items():
        kind = pc.if_else(pc.equal(kind, theirs), ours, kind)
    return kind


def _place(units: Iterable[dict[str, Any]], rows: dict[str, list[dict[str, Any]]]) -> None:
    counts: dict[str, int] = {}
    known: set[tuple[str, str]] = set()
    for unit in units:
        estate = unit["estate"]
        number = counts.get(estate, 0)
        counts[estate] = number + 1
        building = str(number // (_FLOORS * _DOORS) + 1)
        floor, door = divmod(number % (_FLOORS * _DOORS), _DOORS)
        if (estate, building) not in known:
            known.add((estate, building))
            rows["buildings"].append({"estate": estate, "code": building, "name": ""})
        rows["units"].append(
            {"estate": estate, "building": building, "code": unit["unit_id"], "stair": "1",
             "floor": floor + 1, "door": f"{floor + 1:02d}{door + 1:02d}",
             "area_m2": float(unit["floor_area_m2"]), "rooms": None,
             "contract_kw": float(unit["contract_kw"])}
        )  # fmt: skip


def _people(
    unit: dict[str, Any],
    residents: list[dict[str, Any]],
    zone: ZoneInfo,
    rows: dict[str, list[dict[str, Any]]],
    households: dict[str, tuple[int, bool]],
) -> None:
    """The stated lease, and before it that of a household whose residents had left when it began."""
    code, estate = unit["unit_id"], unit["estate"]
    begins = datetime.combine(unit["lease_start"], datetime.min.time(), zone)
    before = [r for r in residents if r["end"] <= begins]
    now = [r for r in residents if r["end"] > begins]
    households[f"h-{code}"] = (int(unit["registered_occupants"]), bool(unit["elder_alone"]))
    leases: list[tuple[str, list[dict[str, Any]], date, date]] = [
        ("", now, unit["lease_start"], unit["lease_end"])
    ]
    if before:
        first = min(r["start"] for r in before).astimezone(zone).date()
        last = max(r["end"] for r in before).astimezone(zone).date() - timedelta(days=1)
        households[f"h-{code}-0"] = (len(before), False)
        leases.insert(0, ("-0", before, first, last))
    for suffix, people, starts_on, ends_on in leases:
        household, lease = f"h-{code}{suffix}", f"l-{code}{suffix}"
        rows["leases"].append(
            {"code": lease, "estate": estate, "unit": code, "household": household, "starts_on": starts_on,
             "ends_on": ends_on}
        )  # fmt: skip
        for resident in people:
            rows["residents"].append(
                {"code": resident["subject"], "household": household, "subject": resident["subject"],
                 "name": "", "phone": "", "id_no": ""}
            )  # fmt: skip
            rows["occupants"].append(
                {"estate": estate, "unit": code, "resident": resident["subject"], "lease": lease,
                 "relation": resident["relation"], "starts_at": resident["start"],
                 "ends_at": resident["end"]}
            )  # fmt: skip


def _devices(unit: dict[str, Any], seen: _Seen, rows: dict[str, list[dict[str, Any]]]) -> None:
    code, estate = unit["unit_id"], unit["estate"]
    small = seen.highest_l.get(code, 0.0) < _SMALL_REGISTER_L
    wanted: list[tuple[str, str, str | None]] = [
        (_METERS["energy_kwh"], "energy-interval-30min", "energy_kwh"),
        (_METERS["water_l"], "water-register-100m3" if small else "water-register", "water_l"),
    ]
    if unit["has_lock"] or code in seen.locks:
        wanted.append((_LOCK, "lock-native", None))
    if code in seen.hazards:
        wanted.append((_HAZARD, "hazard-native", None))
    for suffix, profile, channel in wanted:
        device = code + suffix
        rows["devices"].append({"code": device, "estate": estate, "profile": profile, "serial": ""})
        rows["installations"].append(
            {"device": device, "estate": estate, "unit": code, "entrance": None,
             "channel": channels.EVENTS if channel is None else channels.BY_NAME[channel].code,
             "valid_from": seen.first_at - timedelta(days=1), "valid_to": None, "multiplier": 1.0}
        )  # fmt: skip
