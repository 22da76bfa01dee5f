"""One gateway that falls silent is one fault, not one of each of its children. No input or output."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from devices.conditions import SILENCES, Condition, Facts, Kind, Listening, patience, quiet_after
from policy.groups import Silence


@dataclass(frozen=True, kw_only=True)
class Excuse:
    """Why a child's silence was not its own at the pass before."""

    behind: int
    #: Set when the gateway is back.
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A gateway that hears, or passes on, nothing."""

    #: None: it never did.
    since: datetime | None
    condition: Condition


def fold(
    found: Sequence[Condition],
    facts: Mapping[int, Facts],
    rules: Mapping[int, Silence],
    *,
    listening: Listening | None,
    standing: Mapping[int, Collection[Kind]],
    excused: Mapping[int, Excuse],
    now: datetime,
) -> list[Condition]:
    """Put the silence of children down to their gateway where that explains it.

    Parameters
    ----------
    found : sequence of Condition
        Of all devices, each by itself.
    facts, rules : mapping of int to …
        By device.
    standing : mapping of int to collection of Kind
        What was wrong at the pass before.
    excused : mapping of int to Excuse
        Children whose silence was a gateway's at the pass before.

    Returns
    -------
    list[Condition]
        The same, those of children with `behind` where they are explained; and for gateways that are heard
        while their children fell silent together, one more.
    """
    silent = {one.device_id: one for one in found if one.kind in SILENCES}
    children: dict[int, list[Facts]] = {}
    for one in facts.values():
        if one.gateway_id is not None and one.gateway_id in facts:
            children.setdefault(one.gateway_id, []).append(one)
    faults: dict[int, _Fault] = {}
    for gateway_id, own in children.items():
        stands = Kind.children_silent in standing.get(gateway_id, ())
        # Where it has just come back, those that may still do so prove nothing.
        telling = [c for c in own if stands or not _waits(excused.get(c.device_id), gateway_id, now)]
        fault = _fault(facts[gateway_id], telling, silent, rules, listening)
        if fault is not None:
            faults[gateway_id] = fault
    folded = [
        _explained(one, facts[one.device_id], faults=faults, rules=rules, excused=excused, now=now)
        for one in found
    ]
    folded += [fault.condition for fault in faults.values() if fault.condition.kind is Kind.children_silent]
    return _counted(folded, faults)


def _fault(
    gateway: Facts,
    children: Sequence[Facts],
    silent: Mapping[int, Condition],
    rules: Mapping[int, Silence],
    listening: Listening | None,
) -> _Fault | None:
    own = silent.get(gateway.device_id)
    if own is not None:
        return _Fault(since=gateway.received_at, condition=own)
    if listening is None:
        return None
    its = rules[gateway.device_id]
    heard = [(child, child.received_at) for child in children if child.received_at is not None]
    quiet = [
        (child, at)
        for child, at in heard
        if listening.until - at > quiet_after(child.profile, rules[child.device_id])
    ]
    if len(heard) < its.gateway_children or not quiet:
        return None
    newest = max(at for _, at in quiet)
    together = [child for child, at in quiet if at >= newest - patience(child.profile, its)]
    if len(together) < its.gateway_share * len(heard) or len(together) < its.gateway_children:
        return None
    if not any(child.device_id in silent for child in together):
        return None
    condition = Condition(device_id=gateway.device_id, kind=Kind.children_silent, since=newest)
    return _Fault(since=newest, condition=condition)


def _waits(excuse: Excuse | None, gateway_id: int, now: datetime) -> bool:
    return excuse is not None and excuse.behind == gateway_id and (excuse.until is None or now < excuse.until)


def _explained(
    one: Condition,
    child: Facts,
    *,
    faults: Mapping[int, _Fault],
    rules: Mapping[int, Silence],
    excused: Mapping[int, Excuse],
    now: datetime,
) -> Condition:
    if one.kind not in SILENCES or child.gateway_id is None:
        return one
    allowed = patience(child.profile, rules[child.device_id])
    fault = faults.get(child.gateway_id)
    if fault is not None:
        # What was silent long before is another fault.
        heard = child.received_at or child.installed_at
        if fault.since is None or heard >= fault.since - allowed:
            return replace(one, behind=child.gateway_id)
        return one
    excuse = excused.get(child.device_id)
    if excuse is None or excuse.behind != child.gateway_id:
        return one
    until = now + allowed if excuse.until is None else excuse.until
    return replace(one, behind=child.gateway_id, until=until) if now < until else one


def _counted(found: Iterable[Condition], faults: Mapping[int, _Fault]) -> list[Condition]:
    """With how many children each gateway's fault explains."""
    every = list(found)
    counts: dict[int, int] = {}
    for one in every:
        if one.behind is not None and one.behind in faults:
            counts[one.behind] = counts.get(one.behind, 0) + 1
    return [
        replace(one, detail={**one.detail, "children": counts.get(one.device_id, 0)})
        if one.device_id in faults and one.kind is faults[one.device_id].condition.kind
        else one
        for one in every
    ]
