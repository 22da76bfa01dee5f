"""What a device is and who speaks for it: read, rewritten, and kept as it was before an act."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.rows import class_row

from devices.errors import AddressTaken
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "links.sql")
#: As many clashes as a person reads at once.
_SAID = 5


@dataclass(frozen=True, kw_only=True)
class Link:
    """A device's profile, and how it reaches us."""

    device_id: int
    profile: str
    #: None: it speaks for itself.
    gateway_id: int | None
    address: str | None


def of_devices(connection: Connection, device_ids: Sequence[int]) -> tuple[Link, ...]:
    """Those of some devices as they stand, in order of the ids."""
    return _links(connection, "of_devices", {"devices": list(device_ids)})


def children(connection: Connection, gateway_id: int) -> tuple[Link, ...]:
    """Those of every device that a gateway speaks for, retired ones too."""
    return _links(connection, "children", {"gateway": gateway_id})


def believed(connection: Connection, change_id: int, *, after: bool) -> tuple[Link, ...]:
    """Those that an act changed, before it or after it."""
    return _links(connection, "versions", {"change_id": change_id, "is_after": after})


def refuse_taken(connection: Connection, links: Sequence[Link]) -> None:
    """See that no gateway would have one address twice.

    Raises
    ------
    AddressTaken
        Says which address belongs to which device.
    """
    found = connection.execute(_SQL["taken"], _columns(links)).fetchall()
    if found:
        said = ", ".join(f"{address} ({device})" for _, device, address in found[:_SAID])
        more = f" and {len(found) - _SAID} more" if len(found) > _SAID else ""
        raise AddressTaken(f"{found[0][0]} has devices at these addresses already: {said}{more}")


def write(connection: Connection, links: Sequence[Link]) -> None:
    """Let devices be linked so."""
    connection.execute(_SQL["write"], _columns(links))


def record(connection: Connection, change_id: int, before: Sequence[Link], after: Sequence[Link]) -> None:
    """Keep what an act changed."""
    for is_after, links in ((False, before), (True, after)):
        connection.execute(
            _SQL["insert_versions"], _columns(links) | {"change_id": change_id, "is_after": is_after}
        )


def said(link: Link) -> dict[str, object]:
    """For the audit."""
    return {name: value for name, value in asdict(link).items() if name != "device_id"}


def _links(connection: Connection, statement: str, values: dict[str, object]) -> tuple[Link, ...]:
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return tuple(cursor.execute(_SQL[statement], values).fetchall())


def _columns(links: Sequence[Link]) -> dict[str, object]:
    return {
        "devices": [one.device_id for one in links],
        "profiles": [one.profile for one in links],
        "gateways": [one.gateway_id for one in links],
        "addresses": [one.address for one in links],
    }
