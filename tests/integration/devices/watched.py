"""Devices of an estate under watch, and what they said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import policy
from devices import registry
from devices.conditions import Kind
from devices.installations import Installation, install_all
from devices.watch import watch
from ingest import signs, state
from storage.pool import Connection
from tests.homes import make_estate, make_units
from wire.channels import BY_NAME, EVENTS
from wire.instants import to_us

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
POLICIES = {"anhe": policy.load("anhe").on(NOW.date())}
ENERGY, WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
POWER = BY_NAME["power_w"].code


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What is watched; `box-1` has two registers at one home, `meter-n` hang behind `gate`."""

    connection: Connection
    units: list[int]
    ids: dict[str, int]

    def hears(
        self, *codes: str, at: datetime = NOW, own: timedelta | None = timedelta(0), without: int = EVENTS
    ) -> None:
        """Record that these devices were heard; by their own clock so long before.

        Registers move on with them, but for the channel `without`; None: a message that says nothing.
        """
        found = signs.Signs()
        for code in codes:
            found.begin(us(at), own=True)
            found.said(self.ids[code], None if own is None else us(at - own), counter=None, boot=None)
        signs.put(self.connection, found)
        if own is not None:
            self.connection.execute(
                "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
                " SELECT %s, %s, extract(epoch FROM %s::timestamptz) / 3600, device_id, channel, 101"
                " FROM installation WHERE channel <> 0 AND channel <> %s AND device_id = ANY(%s)"
                " ON CONFLICT DO NOTHING",
                [at - own, at, at, without, [self.ids[code] for code in codes]],
            )

    def reads(self, code: str, channel: int, values: Mapping[datetime, float], *, quality: int = 0) -> None:
        """Store readings."""
        self.connection.cursor().executemany(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%s, %s, %s, %s, %s, %s, 101)",
            [(time, time, value, self.ids[code], channel, quality) for time, value in values.items()],
        )

    def tells(self, code: str, kind: int, at: datetime, value: float | None = None) -> None:
        """Store an event."""
        self.connection.execute(
            "INSERT INTO event (time, received_at, value, device_id, type, decoder, dedupe_key)"
            " VALUES (%s, %s, %s, %s, %s, 101, %s)",
            [at, at, value, self.ids[code], kind, f"{kind}-{at}"],
        )

    def listens(self, at: datetime = NOW, *, resumed: bool = False) -> None:
        """Record that ingest listens."""
        state.listen(
            self.connection,
            client_id="ingest-0",
            now=at,
            outage=POLICIES["anhe"].ingest.outage_after,
            resumed=resumed,
        )

    def watched(self, at: datetime = NOW) -> dict[str, set[str]]:
        """What a pass finds: code → kinds, those that a gateway explains in brackets."""
        watch(self.connection, policies=POLICIES, now=at)
        found: dict[str, set[str]] = {}
        for code, kind, behind in self.connection.execute(
            "SELECT device, kind, behind FROM v_device_condition"
        ):
            found.setdefault(code, set()).add(kind if behind is None else f"({kind})")
        return found


def make_watched(connection: Connection, *, meters: int = 5) -> Estate:
    """Write the estate; ingest listens since long, and everything was heard just now."""
    units = make_units(connection, meters + 2)
    estate_id = make_estate(connection)
    new = [
        registry.NewDevice(code="box-1", profile="home-native", estate_id=estate_id),
        registry.NewDevice(code="lock-1", profile="lock-native", estate_id=estate_id),
        registry.NewDevice(code="gate", profile="dlt645-gateway", estate_id=estate_id),
        registry.NewDevice(code="spare", profile="energy-register", estate_id=estate_id),
    ]
    registry.register_devices(connection, new)
    children = [
        registry.NewDevice(
            code=f"meter-{n + 1}",
            profile="energy-register",
            estate_id=estate_id,
            gateway="gate",
            address=f"{n + 1:012}",
        )
        for n in range(meters)
    ]
    registry.register_devices(connection, children)
    ids = dict(connection.execute("SELECT code, id FROM device").fetchall())
    places = [("box-1", ENERGY, 0), ("box-1", WATER, 0), ("lock-1", EVENTS, 1)]
    places += [(f"meter-{n + 1}", ENERGY, n + 2) for n in range(meters)]
    install_all(
        connection,
        [
            Installation(device_id=ids[code], channel=channel, unit_id=units[unit], valid_from=BEFORE)
            for code, channel, unit in places
        ],
    )
    estate = Estate(connection=connection, units=units, ids=ids)
    estate.listens(BEFORE)
    estate.listens()
    hung = sorted({code for code, _, _ in places} | {"gate"})
    estate.hears(*hung)
    return estate


def us(at: datetime) -> int:
    return to_us(at)


#: For tests of what is folded.
OFFLINE, FOLDED = str(Kind.offline), f"({Kind.offline})"
