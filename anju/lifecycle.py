"""`anju devices list | show | register` and the acts: `commission`, `swap`, `change` … `undo`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from anju import clock, moments, settings
from anju.errors import AnjuError
from anju.options import DataDir
from storage.pool import Connection

if TYPE_CHECKING:
    from devices.acts import Wanted
    from devices.listing import Listed
    from devices.timelines import Place

#: The audit's actor: whoever may run commands on the server.
_BY = "system:devices"

Code = Annotated[str, typer.Argument(metavar="DEVICE", help="Code of the device.")]
Unit = Annotated[str | None, typer.Option("--unit", help="Code of the home: 3-2-0703.")]
Entrance = Annotated[str | None, typer.Option("--entrance", help="… or an entrance.")]
At = Annotated[
    str | None,
    typer.Option("--at", help="2026-11-24T08:00, local time of the estate, or with a zone; now."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would follow.")]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", help="Only this channel; `events` too; repeatable.")
]
Reason = Annotated[str, typer.Option("--reason", help="crossed, wrong_unit, wrong_time.")]
Note = Annotated[str, typer.Option("--note", help="In words; no names.")]


def list_(
    *,
    words: Annotated[
        str | None, typer.Argument(metavar="WORDS", help="Part of code, serial, address.")
    ] = None,
    estate: Annotated[str | None, typer.Option("--estate", help="Code of an estate.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Devices at most.")] = 1000,
    data_dir: DataDir = None,
) -> None:
    """Show every device."""
    from devices import listing  # noqa: PLC0415 - a command loads what it needs

    with _connected(data_dir) as connection:
        for one in listing.devices(connection, words=words, estate=estate, limit=limit):
            alone = f"  as {one.address}" if one.address else ""
            behind = f"  behind {one.gateway} as {one.address}" if one.gateway else alone
            closed = "" if one.active else "  (retired)"
            typer.echo(f"{one.code}  {one.profile}  {one.serial or '-'}  {one.estate}{behind}{closed}")


def show(*, device: Code, data_dir: DataDir = None) -> None:
    """Show where a device was and is, and what was done to it."""
    from anju import foreseen  # noqa: PLC0415
    from devices import changes, listing  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = listing.device(connection, device)
        zone = ZoneInfo(found.time_zone)
        typer.echo(f"{found.code}  {found.profile}  {found.serial or '-'}  {found.estate}")
        for row in listing.installations_of(connection, found.id):
            typer.echo(
                f"  {foreseen.channel_name(row.channel)}  {row.unit or row.entrance}"
                f"  {foreseen.period(row.valid_from, row.valid_to, zone)}  x{row.multiplier:g}"
            )
        for act in changes.history(connection, found.id):
            undone = f"  (undone by {act.undone_by})" if act.undone_by else ""
            typer.echo(
                f"  act {act.id}  {act.act}  {moments.told(act.at, zone)}  {act.by}  {act.reason}{undone}"
            )


def register(
    *,
    device: Code,
    profile: Annotated[str, typer.Option("--profile", help="A file of devices/profiles/.")],
    estate: Annotated[str, typer.Option("--estate", help="Code of its estate.")],
    serial: Annotated[str, typer.Option("--serial", help="The maker's number.")] = "",
    gateway: Annotated[str | None, typer.Option("--gateway", help="Code of who speaks for it.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="What its gateway calls it.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Register a device; the same again changes nothing."""
    from devices import registration  # noqa: PLC0415
    from devices.registry import NewDevice  # noqa: PLC0415
    from housing import estates  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    with _connected(data_dir) as connection:
        ids = {one.code: one.id for one in estates.list_estates(connection, scope=EVERYTHING)}
        if estate not in ids:
            raise AnjuError(f"no such estate: {estate}")
        new = NewDevice(
            code=device,
            profile=profile,
            estate_id=ids[estate],
            serial=serial,
            gateway=gateway,
            address=address,
        )
        registration.register(connection, new, by=_BY, now=clock.now())
    typer.echo(f"{device} is registered")


def commission(
    *,
    device: Code,
    unit: Unit = None,
    entrance: Entrance = None,
    at: At = None,
    multiplier: Annotated[float, typer.Option("--multiplier", min=1e-6, help="Of its registers.")] = 1.0,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Install every channel of a device at a home or an entrance."""
    from devices.acts import Commission  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = _device(connection, device)
        place = _place(connection, found, unit, entrance)
        wanted = Commission(
            device=device, place=place, since=_moment(found, "--at", at), multiplier=multiplier
        )
        _act(connection, wanted, dry_run=dry_run)


def swap(
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="Code of the device that is taken down.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Code of the device that takes over.")],
    at: At = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Of the registers that were read.")] = None,
    old_final: Annotated[float | None, typer.Option("--old-final", help="Last value of the old one.")] = None,
    new_first: Annotated[
        float | None, typer.Option("--new-first", help="First value of the new one.")
    ] = None,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Do not retire the old one.")] = False,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Let a new device take over the place of an old one."""
    from devices.acts import Registers, Swap  # noqa: PLC0415

    read = Registers(old_final=old_final, new_first=new_first)
    if read != Registers() and channel is None:
        raise AnjuError("say with --channel whose registers were read")
    with _connected(data_dir) as connection:
        wanted = Swap(
            old=old,
            new=new,
            at=_moment(_device(connection, old), "--at", at),
            registers={} if channel is None else {_channel(channel): read},
            retire_old=not keep_old,
        )
        _act(connection, wanted, dry_run=dry_run)


def replace_gateway(
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="Code of the gateway that is taken down.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Code of the one that takes over.")],
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Let a new gateway speak for all that an old one spoke for; the old one is retired."""
    from devices.acts import ReplaceGateway  # noqa: PLC0415

    with _connected(data_dir) as connection:
        _act(connection, ReplaceGateway(old=old, new=new, at=clock.now()), dry_run=dry_run)


def change(
    *,
    device: Code,
    profile: Annotated[
        str | None, typer.Option("--profile", help="What it is: use and leads of its home are renewed.")
    ] = None,
    gateway: Annotated[
        str | None, typer.Option("--gateway", help="Who speaks for it; '' : it speaks for itself.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="What it is called there; '' : as its code.")
    ] = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Change a device's profile, or how it reaches us."""
    from devices.acts import Change  # noqa: PLC0415

    wanted = Change(device=device, profile=profile, gateway=gateway, address=address)
    if wanted == Change(device=device):
        raise AnjuError("say what changes: --profile, --gateway, --address")
    with _connected(data_dir) as connection:
        _act(connection, wanted, dry_run=dry_run)


def move(
    *,
    device: Code,
    unit: Unit = None,
    entrance: Entrance = None,
    at: At = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Let a device hang at another place from a moment on."""
    from devices.acts import Move  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = _device(connection, device)
        place = _place(connection, found, unit, entrance)
        _act(connection, Move(device=device, place=place, at=_moment(found, "--at", at)), dry_run=dry_run)


def retire(*, device: Code, at: At = None, dry_run: DryRun = False, data_dir: DataDir = None) -> None:
    """Take a device down for good; what it still sends is quarantined."""
    from devices.acts import Retire  # noqa: PLC0415

    with _connected(data_dir) as connection:
        wanted = Retire(device=device, at=_moment(_device(connection, device), "--at", at))
        _act(connection, wanted, dry_run=dry_run)


def correct(
    *,
    device: Code,
    since: Annotated[str, typer.Option("--since", help="From when on it really was there.")],
    until: Annotated[str | None, typer.Option("--until", help="To when; that installation's end.")] = None,
    unit: Unit = None,
    entrance: Entrance = None,
    channels: Channels = None,
    reason: Reason = "wrong_unit",
    note: Note = "",
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Say where a device really was: use, signals and leads of both homes are renewed."""
    from devices.acts import Correct  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = _device(connection, device)
        wanted = Correct(
            device=device,
            place=_place(connection, found, unit, entrance),
            since=_moment(found, "--since", since),
            until=None if until is None else _moment(found, "--until", until),
            channels=channels,
            reason=reason,
            note=note,
        )
        _act(connection, wanted, dry_run=dry_run)


def exchange(
    *,
    one: Annotated[str, typer.Argument(metavar="ONE", help="Code of the one device.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Code of the other.")],
    since: Annotated[
        str | None, typer.Option("--since", help="The present installations' beginning.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Without: until now and on.")] = None,
    channels: Channels = None,
    reason: Reason = "crossed",
    note: Note = "",
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Say that two devices were crossed: use, signals and leads of both homes are renewed."""
    from devices.acts import Exchange  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = _device(connection, one)
        wanted = Exchange(
            one=one,
            other=other,
            since=None if since is None else _moment(found, "--since", since),
            until=None if until is None else _moment(found, "--until", until),
            channels=channels,
            reason=reason,
            note=note,
        )
        _act(connection, wanted, dry_run=dry_run)


def undo(
    *,
    change: Annotated[int, typer.Argument(metavar="ACT", help="Its number, as `show` says it.")],
    dry_run: DryRun = False,
    data_dir: DataDir = None,
) -> None:
    """Take an act back: shortly after it, a correction at any time."""
    from anju.processes import policy_books  # noqa: PLC0415
    from devices.acts import Undo  # noqa: PLC0415

    today = clock.now().date()
    within = min(book.on(today).commissioning.undo_within for book in policy_books().values())
    with _connected(data_dir) as connection:
        _act(connection, Undo(change_id=change, within=within), dry_run=dry_run)


def _act(connection: Connection, wanted: "Wanted", *, dry_run: bool) -> None:
    """Say what would follow, and do it unless that is all that was asked for."""
    from anju import foreseen  # noqa: PLC0415
    from devices import lifecycle  # noqa: PLC0415

    now = clock.now()
    shown = lifecycle.preview(connection, wanted, now=now)
    if not shown.changes_anything:
        typer.echo("nothing to do: it is so already")
        return
    said = [*foreseen.linked(connection, shown), *foreseen.renewed(connection, shown)]
    if dry_run:
        said = [*foreseen.installed(connection, shown), *said]
    for line in said:
        typer.echo(line)
    if dry_run:
        typer.echo("not done: --dry-run")
        return
    done = lifecycle.perform(connection, wanted, by=_BY, now=now, seen=shown.seen)
    typer.echo(f"done: act {done.change_id}")


def _device(connection: Connection, code: str) -> "Listed":
    from devices import listing  # noqa: PLC0415

    return listing.device(connection, code)


def _place(connection: Connection, found: "Listed", unit: str | None, entrance: str | None) -> "Place":
    from devices.timelines import Place  # noqa: PLC0415
    from housing import estates  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    if (unit is None) == (entrance is None):
        raise AnjuError("name a place: --unit or --entrance")
    if unit is None:
        return Place(entrance=entrance)
    homes = estates.list_units(connection, scope=EVERYTHING, estate=found.estate, code=unit, limit=1)
    if not homes:
        raise AnjuError(f"no such home in {found.estate}: {unit}")
    return Place(unit_id=homes[0].id)


def _channel(name: str) -> str:
    from wire.channels import BY_NAME  # noqa: PLC0415

    if name not in BY_NAME:
        raise AnjuError(f"no such channel: {name}")
    return name


def _moment(found: "Listed", option: str, text: str | None) -> datetime:
    return clock.now() if text is None else moments.read(option, text, ZoneInfo(found.time_zone))


@contextmanager
def _connected(data_dir: Path | None) -> Iterator[Connection]:
    """One transaction on the configured database; what is refused is one line for the operator."""
    from anju import database  # noqa: PLC0415
    from devices.errors import DevicesError  # noqa: PLC0415

    with database.connected(settings.load(data_dir=data_dir), name="devices") as connection:
        try:
            yield connection
        except DevicesError as error:
            raise AnjuError(str(error)) from error
