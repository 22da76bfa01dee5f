"""After the installation: the first reading arrives, and the right flat moves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now
from api.console import pages, reads
from api.console.commissioning import Installer, with_script
from api.console.views import installing
from api.console.views.kinds import meter_kind
from api.deps import Db, Deps, Given
from api.device_acts import estates_of
from api.fields import Id
from api.problems import Problem
from devices import changes, checks, lifecycle, listing
from devices.acts import Exchange
from devices.checks import Check, Movement
from devices.listing import Installed, Listed
from housing import estates
from policy.book import Policy
from policy.groups import Commissioning
from storage.pool import Connection
from wire.channels import BY_NAME

router = APIRouter()

_DONE = ("commission", "swap", "move")


@router.get("/commissioning/devices/{device}/live")
def live_page(
    *,
    request: Request,
    device: str,
    account: Installer,
    connection: Db,
    deps: Given,
    now: Now,
    done: str = "",
    change: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """Third step: what the device says, as it comes."""
    t = pages.language(request)
    found = listing.device(connection, device, estates=estates_of(account))
    installed = _installed(connection, found)
    rules = rules_of(deps, connection, account, found, now)
    since = max([now - rules.reading_fresh, *(row.valid_from for row in installed)])
    rows = installing.reading_rows(t, reads.newest_readings(connection, found.id), since=since, now=now)
    fresh = [row for row in rows if row.fresh]
    state = "waiting" if not fresh else ("arrived" if any(row.proven for row in fresh) else "unproven")
    undo = changes.change(connection, change) if change is not None and done in _DONE else None
    response = pages.render(
        request,
        "commission_live.html",
        account=account,
        connection=connection,
        section="devices",
        device=found,
        where=installing.where(t, installed, found, now=now),
        path=f"/commissioning/devices/{quote(found.code)}",
        rows=rows,
        state=state,
        every=int(rules.look_every.total_seconds()),
        done=done if done in _DONE else "",
        undo=undo.id if undo is not None and undo.undone_by is None else None,
        can_check=_channel(installed, rules) is not None,
        kind=meter_kind([row.channel for row in installed]),
    )
    return with_script(response)


@router.post("/commissioning/devices/{device}/check")
def begin_check(*, device: str, account: Installer, connection: Db, deps: Given, now: Now) -> Response:
    """Begin to watch: from now on something is switched on."""
    found = listing.device(connection, device, estates=estates_of(account))
    installed = _installed(connection, found)
    channel = _channel(installed, rules_of(deps, connection, account, found, now))
    home = next((row.unit_id for row in installed if row.unit_id is not None), None)
    if channel is None or home is None:
        raise Problem("not_installed")
    check_id = checks.begin(
        connection, device_id=found.id, unit_id=home, channel=channel, by=account.username, now=now
    )
    return RedirectResponse(f"/commissioning/checks/{check_id}", status_code=303)


@router.get("/commissioning/checks/{check_id}")
def check_page(
    *, request: Request, check_id: Id, account: Installer, connection: Db, deps: Given, now: Now
) -> Response:
    """Fourth step: the right flat must move."""
    t = pages.language(request)
    found = checks.check(connection, check_id, estates=estates_of(account))
    device = listing.device(connection, found.device)
    policy = _policy_of(deps, connection, account, device, now)
    rules = policy.commissioning
    over = found.begun_at + rules.check_within
    watched = checks.watch(
        connection,
        found,
        steps=_steps(rules),
        per_hour=_per_hour(policy),
        until=min(now, found.ended_at or over),
    )
    outcome = found.outcome or watched.outcome
    moved = installing.movement_rows(t, watched, lambda one: _then(connection, found, one))
    exchange = checks.exchange_of(connection, found)
    response = pages.render(
        request,
        "commission_check.html",
        account=account,
        connection=connection,
        section="devices",
        check=found,
        path=f"/commissioning/devices/{quote(found.device)}",
        kind=meter_kind([found.channel, *(row.channel for row in _installed(connection, device))]),
        own=installing.movement_row(t, watched.own) if watched.own.heard_at is not None else None,
        moved=moved,
        others=len({one.unit for one in watched.others}),
        neighbours=watched.neighbours,
        heard=watched.neighbours_heard,
        outcome=outcome,
        running=found.ended_at is None and now < over,
        minutes=max(int((over - now).total_seconds()) // 60, 0),
        every=int(rules.look_every.total_seconds()),
        exchanged=exchange is not None and exchange.undone_by is None,
        taken_back=exchange is not None and exchange.undone_by is not None,
        undo=exchange.id if exchange is not None and account.may("device.correct") else None,
        now_at=_hangs(connection, found) if exchange is not None else (),
        by=reads.names(connection, [found.ended_by or ""]).get(found.ended_by or "", found.ended_by or ""),
        can_exchange=bool(moved)
        and _may_exchange(connection, account, found, moved[0].device, fresh_from=now - rules.undo_within),
    )
    return with_script(response)


@router.post("/commissioning/checks/{check_id}")
def end_check(
    *,
    check_id: Id,
    account: Installer,
    connection: Db,
    deps: Given,
    now: Now,
    outcome: Annotated[Literal["right", "other", "several", "nothing", "given_up", "exchange"], Form()],
    other: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Keep what was found; with `exchange` the two devices change places, as they were crossed."""
    mine = estates_of(account)
    found = checks.check(connection, check_id, estates=mine)
    device = listing.device(connection, found.device)
    moved = listing.device(connection, other, estates=mine) if other else None
    if outcome == "exchange":
        fresh_from = now - rules_of(deps, connection, account, device, now).undo_within
        if moved is None or not _may_exchange(connection, account, found, moved.code, fresh_from=fresh_from):
            raise Problem("not_permitted", action="device.correct")
        lifecycle.perform(
            connection,
            Exchange(one=found.device, other=moved.code),
            by=f"account:{account.username}",
            now=now,
            estates=mine,
        )
    checks.end(
        connection,
        check_id,
        outcome="other" if outcome == "exchange" else outcome,
        moved_id=moved.id if moved is not None and outcome in ("other", "exchange") else None,
        by=account.username,
        now=now,
    )
    return RedirectResponse(f"/commissioning/checks/{check_id}", status_code=303)


def rules_of(
    deps: Deps, connection: Connection, account: Account, found: Listed, now: datetime
) -> Commissioning:
    """What the policy of a device's city says."""
    return _policy_of(deps, connection, account, found, now).commissioning


def _policy_of(deps: Deps, connection: Connection, account: Account, found: Listed, now: datetime) -> Policy:
    estate = estates.estate(connection, found.estate_id, scope=account.scope)
    return deps.policy(estate.city, estate.time_zone, now)


def _installed(connection: Connection, found: Listed) -> list[Installed]:
    return [row for row in listing.installations_of(connection, found.id) if row.valid_to is None]


def _steps(rules: Commissioning) -> Mapping[int, float]:
    """What counts as movement, the channels that show it soonest first."""
    by_name = {
        "power_w": rules.power_w,
        "flow_l_h": rules.flow_l_h,
        "energy_kwh": rules.energy_kwh,
        "water_l": rules.water_l,
        "hot_water_l": rules.water_l,
        "gas_m3": rules.gas_m3,
        "heat_kwh": rules.energy_kwh,
    }
    return {BY_NAME[name].code: value for name, value in by_name.items()}


def _per_hour(policy: Policy) -> Mapping[int, float]:
    """The most that a home can use in an hour."""
    limits = policy.ingest.limits.items()
    return {BY_NAME[name].code: found.step_per_h for name, found in limits if found.step_per_h is not None}


def _then(connection: Connection, found: Check, one: Movement) -> str | None:
    """The home of a neighbour when a check was made, if it is another one now."""
    home = checks.home_then(connection, found, one.device_id, one.channel)
    return None if home is None else listing.unit_codes(connection, [home]).get(home)


def _hangs(connection: Connection, found: Check) -> list[tuple[str, str]]:
    """The two devices that were crossed, and where each hangs now."""
    return [
        (code, next((row.unit for row in rows if row.unit), "–"))
        for code in (found.device, found.moved or "")
        for rows in (_installed(connection, listing.device(connection, code)),)
    ]


def _channel(installed: list[Installed], rules: Commissioning) -> int | None:
    channels = [row.channel for row in installed if row.unit_id is not None]
    return checks.best_channel(channels, _steps(rules))


def _may_exchange(
    connection: Connection, account: Account, found: Check, other: str, *, fresh_from: datetime
) -> bool:
    """Whoever corrects bindings may; an installer may while both are as new as an act that can be undone."""
    if found.ended_at is not None:
        return False
    if account.may("device.correct"):
        return True
    rows = [
        row
        for code in (found.device, other)
        for row in _installed(connection, listing.device(connection, code))
    ]
    return bool(rows) and all(row.valid_from >= fresh_from for row in rows)
