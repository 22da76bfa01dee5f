"""What an act on devices would do, in lines for the operator."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from anju.moments import told
from devices import listing
from devices.installations import Installation
from devices.lifecycle import Preview
from housing import withdrawals
from housing.scope import EVERYTHING
from storage.pool import Connection
from wire.channels import BY_CODE


def channel_name(code: int) -> str:
    """A channel's name, or `events`."""
    return BY_CODE[code].name if code else "events"


def period(since: datetime, until: datetime | None, zone: ZoneInfo) -> str:
    """How long something hangs somewhere."""
    return f"since {told(since, zone)}" + (f" until {told(until, zone)}" if until else "")


def installed(connection: Connection, shown: Preview) -> Iterator[str]:
    """Where devices hang, where that changes, and which are taken down or come back."""
    new, gone = set(shown.after) - set(shown.before), set(shown.before) - set(shown.after)
    begun = {row.key for row in new}
    units = listing.unit_codes(connection, [row.unit_id for row in new | gone if row.unit_id is not None])
    for device_id, code in sorted(shown.devices.items(), key=lambda one: one[1]):
        zone = ZoneInfo(listing.device(connection, code).time_zone)
        ended = [row for row in gone if row.device_id == device_id and row.key not in begun]
        for rows, word in ((ended, "no longer at"), ([r for r in new if r.device_id == device_id], "at")):
            for said, channels in _together(rows, units, zone):
                yield f"{code}: {', '.join(channels)} {word} {said}"
        if device_id in shown.retires:
            yield f"{code}: retired"
        if device_id in shown.revives:
            yield f"{code}: in use again"


def linked(connection: Connection, shown: Preview) -> Iterator[str]:
    """What devices are and who speaks for them, where that changes."""
    pairs = list(zip(shown.links_before, shown.links_after, strict=True))
    every = {one.device_id for pair in pairs for one in pair}
    every |= {one.gateway_id for pair in pairs for one in pair if one.gateway_id is not None}
    codes = listing.codes(connection, list(every))
    for was, now in pairs:
        said = [
            f"{name} {old or '-'} -> {new or '-'}"
            for name, old, new in (
                ("profile", was.profile, now.profile),
                ("gateway", codes.get(was.gateway_id or 0), codes.get(now.gateway_id or 0)),
                ("address", was.address, now.address),
            )
            if old != new
        ]
        yield f"{codes[was.device_id]}: {', '.join(said)}"


def renewed(connection: Connection, shown: Preview) -> Iterator[str]:
    """Whose use and leads rest on other data."""
    if not shown.effects:
        return
    units = listing.unit_codes(connection, shown.units)
    since = min(effect.first for effect in shown.effects) - timedelta(days=1)
    leads = withdrawals.affected(connection, shown.units, since=since, scope=EVERYTHING)
    yield (
        f"{', '.join(units[unit] for unit in shown.units)}: {shown.days} days of use,"
        f" {leads.open} open and {leads.decided} decided leads"
    )


def _together(rows: list[Installation], units: dict[int, str], zone: ZoneInfo) -> list[tuple[str, list[str]]]:
    """Channels that hang at one place for one time, in one line."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: one.key):
        place = row.entrance if row.unit_id is None else units[row.unit_id]
        times = f", x{row.multiplier:g}" if row.multiplier != 1 else ""
        said = f"{place} {period(row.valid_from, row.valid_to, zone)}{times}"
        found[said].append(channel_name(row.channel))
    return list(found.items())
