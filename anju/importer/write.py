"""Write what was checked, through the owners of the tables; running it twice changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anju.importer.check import Checked
from anju.importer.known import Known, read
from devices import installations, registry
from housing import absences, estates, leases, residents
from housing.scope import EVERYTHING
from housing.upserts import Upserted
from storage.personal import PersonalKey
from storage.pool import Connection

#: What a row of `devices` says of a device; what it does not say (None) stays.
_OF_DEVICE = ("profile", "serial", "estate", "gateway", "address")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of the rows of one table."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0


def registry_rows(
    connection: Connection, checked: Checked, known: Known, *, key: PersonalKey
) -> dict[str, Counts]:
    """Write everything but readings and events, in the caller's transaction."""
    rows = {name: [row.values for row in found] for name, found in checked.rows.items()}
    written = {
        "estates": estates.upsert_estates(connection, [estates.EstateRow(**v) for v in rows["estates"]]),
        "buildings": estates.upsert_buildings(
            connection, [estates.BuildingRow(**v) for v in rows["buildings"]]
        ),
        "units": estates.upsert_units(connection, [estates.UnitRow(**v) for v in rows["units"]]),
        "households": residents.upsert_households(
            connection,
            [
                residents.HouseholdRow(code=code, size=size, elder_alone=elder)
                for code, (size, elder) in checked.households.items()
            ],
        ),
        "residents": residents.upsert_residents(
            connection, [residents.ResidentRow(**v) for v in rows["residents"]], key=key
        ),
        "leases": leases.upsert_leases(connection, [leases.LeaseRow(**_lease(v)) for v in rows["leases"]]),
        "occupants": leases.upsert_occupants(
            connection, [leases.OccupantRow(**v) for v in rows["occupants"]]
        ),
        "absences": absences.upsert_absences(
            connection, [absences.AbsenceRow(**v) for v in rows["absences"]]
        ),
    }
    counts = {name: _counts(upserted) for name, upserted in written.items()}
    counts["devices"] = _devices(connection, rows["devices"], known)
    counts["installations"] = _installations(connection, rows["installations"], known)
    return counts


def _lease(values: Mapping[str, Any]) -> dict[str, Any]:
    """A lease without what its file says of the household."""
    return {name: value for name, value in values.items() if name not in ("household_size", "elder_alone")}


def _counts(upserted: Upserted) -> Counts:
    return Counts(
        rows=upserted.inserted + upserted.updated + upserted.unchanged,
        new=upserted.inserted,
        changed=upserted.updated,
        unchanged=upserted.unchanged,
    )


def _devices(connection: Connection, rows: list[dict[str, Any]], known: Known) -> Counts:
    estate_ids = {estate.code: estate.id for estate in estates.list_estates(connection, scope=EVERYTHING)}
    new = [row for row in rows if row["code"] not in known.devices]
    changed = [
        row
        for row in rows
        if (old := known.devices.get(row["code"])) is not None
        and any(row.get(name) not in (None, getattr(old, name)) for name in _OF_DEVICE)
    ]
    if new or changed:
        registry.register_devices(
            connection,
            [
                registry.NewDevice(
                    code=row["code"],
                    profile=row["profile"],
                    estate_id=estate_ids[row["estate"]],
                    serial=row["serial"],
                    gateway=row.get("gateway"),
                    address=row.get("address"),
                )
                for row in (*new, *changed)
            ],
        )
    unchanged = len(rows) - len(new) - len(changed)
    return Counts(rows=len(rows), new=len(new), changed=len(changed), unchanged=unchanged)


def _installations(connection: Connection, rows: list[dict[str, Any]], known: Known) -> Counts:
    """Install what the registry just learnt; codes become ids here."""
    if not rows:
        return Counts()
    now = read(connection)
    there = {(old.device, old.channel, old.valid_from) for old in known.installations}
    wanted = [
        installations.Installation(
            device_id=now.devices[row["device"]].id,
            channel=row["channel"],
            unit_id=None if row["unit"] is None else now.units[row["estate"], row["unit"]],
            entrance=row["entrance"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            multiplier=row["multiplier"],
        )
        for row in rows
    ]
    written = installations.install_all(connection, wanted)
    new = sum((row["device"], row["channel"], row["valid_from"]) not in there for row in rows)
    return Counts(rows=len(rows), new=new, changed=written - new, unchanged=len(rows) - written)
