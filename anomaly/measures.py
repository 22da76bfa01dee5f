"""What the latest weeks of a home show beside its own past, with what all its peers did taken out.

Pure: rows of weeks in, numbers out, for every week from the rows up to it. A measure is one number with a
name; not-a-number where a source is missing or too little of the past is known. Recent are three or six
weeks, the past ten or twelve weeks before, the two in between left out, because nobody moves in on a Monday.

Weights are fitted to exactly these measures (`anomaly.people`): who changes one fits them anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.week_fields import AT, METERS, POWER_HOURS, WATER_BLOCKS

#: Weeks before the one looked from that matter to it.
HISTORY = 40
#: Recent weeks -> weeks left out, and weeks of the past.
_SPANS = {3: (2, 10), 6: (2, 12)}
#: Weeks before that matter to all but to how a shift compares with earlier ones.
_SHORT = 24
#: So that nothing is divided by nothing.
_SOME = 0.3
#: Of the 24 turns of a day these are no mere habit of rising later.
_TURNS = range(3, 22)
#: A change of the register counts for so many weeks.
_REGISTER_WEEKS = 20

#: By source, in the order of a row of measures: of the electricity meter, …
POWER = (
    "power_shift_3",
    "power_shift_6",
    "power_shift_3_own",
    "power_shift_6_own",
    "power_fit",
    "power_turned",
    "power_level_3",
    "power_level_6",
    "power_level",
    "power_level_head",
    "power_base_change",
    "power_peak_change",
    "power_rough_change",
    "day_share",
    "day_share_change",
    "night_change",
    "evening_change",
    "work",
    "work_change",
    "power_swing",
    "power_swing_change",
    "shape_swing",
    "shape_swing_change",
    "power_spread",
    "power_spread_change",
    "power_alike",
    "power_alike_change",
)
#: … the water meter, …
WATER = (
    "water_shift_3",
    "water_shift_6",
    "water_shift_3_own",
    "water_shift_6_own",
    "water_level_3",
    "water_level_6",
    "water_level",
    "water_level_head",
    "water_still",
    "water_still_change",
    "water_heavy_change",
    "water_swing",
    "water_swing_change",
    "water_spread",
    "water_spread_change",
)
#: … both, or whatever else saw life, …
LIFE = (
    "both_shift_3",
    "both_shift_6",
    "both_shift_own",
    "all_shift",
    "empty_shift",
    "quiet_now",
    "quiet_before",
    "quiet_most",
)
#: … the office, …
REGISTER = ("joined", "heads")
#: … and the door.
DOOR = (
    "foreign_3",
    "foreign_6",
    "foreign_share_3",
    "foreign_share_6",
    "foreign_change_3",
    "foreign_change_6",
    "foreign_days",
    "with_known",
    "known_change_3",
    "known_change_6",
    "known_level",
    "known_days_change",
    "known_people_change",
    "known_code",
    "known_code_change",
    "known_face_change",
    "known_rate",
    "known_head",
    "people",
    "unnamed",
    "fresh",
    "turnover",
    "office",
    "foreign_code",
    "openings_head",
    "openings_change",
)
MEASURES = (*POWER, *WATER, *LIFE, *REGISTER, *DOOR)
#: Place of each in a row.
PLACE = {name: place for place, name in enumerate(MEASURES)}

#: What tells of one thing is one item of evidence.
ITEMS: Mapping[str, tuple[str, ...]] = {
    "strangers": (
        "foreign_3",
        "foreign_6",
        "foreign_share_3",
        "foreign_share_6",
        "foreign_change_3",
        "foreign_change_6",
        "foreign_days",
        "with_known",
    ),
    "own_entries": (
        "known_change_3",
        "known_change_6",
        "known_level",
        "known_days_change",
        "known_people_change",
    ),
    "own_way": ("known_code", "known_code_change", "known_face_change"),
    "each_own": ("known_rate", "known_head"),
    "different_people": ("people", "unnamed"),
    "new_people": ("fresh", "turnover"),
    "office_hours": ("office",),
    "codes": ("foreign_code",),
    "openings": ("openings_head", "openings_change"),
    "power_shape": (
        "power_shift_3",
        "power_shift_6",
        "power_shift_3_own",
        "power_shift_6_own",
        "power_fit",
        "power_turned",
    ),
    "power_level": (
        "power_level_3",
        "power_level_6",
        "power_level",
        "power_level_head",
        "power_base_change",
        "power_peak_change",
    ),
    "water_shape": ("water_shift_3", "water_shift_6", "water_shift_3_own", "water_shift_6_own"),
    "water_level": (
        "water_level_3",
        "water_level_6",
        "water_level",
        "water_level_head",
        "water_still",
        "water_still_change",
        "water_heavy_change",
    ),
    "both_meters": ("both_shift_3", "both_shift_6", "both_shift_own", "all_shift", "empty_shift"),
    "work_days": (
        "day_share",
        "day_share_change",
        "night_change",
        "evening_change",
        "work",
        "work_change",
    ),
    "unsteady": (
        "power_rough_change",
        "power_swing",
        "power_swing_change",
        "shape_swing",
        "shape_swing_change",
        "power_spread",
        "power_spread_change",
        "power_alike",
        "power_alike_change",
        "water_swing",
        "water_swing_change",
        "water_spread",
        "water_spread_change",
    ),
    "empty_days": ("quiet_now", "quiet_before", "quiet_most"),
    "registered": ("joined", "heads"),
}

Floats = NDArray[np.floating]
Square = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Nature:
    """How far recent weeks lie from the past where nothing has changed: inverse covariances."""

    #: By how many weeks are recent.

    power: Mapping[int, Square]
    water: Mapping[int, Square]
    #: What homes have in common where the city's homes are too few to tell; (fields of meters,).
    usual: Square


def measures(rows: Floats, peers: Floats, nature: Nature, latest: int | None = None) -> Floats:
    """All measures of weeks.

    Parameters
    ----------
    rows : (units, weeks, fields)
        Weeks that follow each other; those of the first `HISTORY` are compared with what there is.
    peers : (weeks, fields of meters)
        Medians of the city; the model's own where they are not known.
    nature : Nature
        Of the model.
    latest : int, optional
        Only of so many of the last weeks; None: of all.

    Returns
    -------
    (units, weeks, measures)
    """
    weeks = rows.shape[1] if latest is None else min(latest, rows.shape[1])
    peers = np.where(np.isfinite(peers), peers, nature.usual)
    long, short = (slice(max(rows.shape[1] - weeks - back, 0), None) for back in (HISTORY, _SHORT))
    with np.errstate(all="ignore"):
        found = {name: of[:, -weeks:] for name, of in _shifts(rows[:, long], peers[long], nature).items()}
        rows, peers = rows[:, short], peers[short]
        for part in (_meters(rows, peers, weeks), _life(rows), _register(rows), _door(rows)):
            found |= {name: of[:, -weeks:] for name, of in part.items()}
        found["power_level_head"] = found["power_level"] - np.log(found["heads"])
        found["water_level_head"] = found["water_level"] - np.log(found["heads"])
        found |= _both(found)
        table = np.stack([found[name] for name in MEASURES], axis=2)
    return np.where(np.isfinite(table), table, np.nan).astype(np.float32)


def shapes(rows: Floats, peers: Floats) -> tuple[Floats, Floats]:
    """What makes a household's weeks its own, peers taken out: power, water; (units, weeks, numbers)."""
    with np.errstate(all="ignore"):
        own, usual = (_shapes(of[..., METERS]) for of in (rows, peers))
    power, water = (one - other for one, other in zip(own, usual, strict=True))
    return power, water


def moved(values: Floats, recent: int) -> Floats:
    """Recent weeks minus the past, along the axis of weeks."""
    return recently(values, recent) - past(values, recent)


def recently(values: Floats, weeks: int, at_least: int | None = None) -> Floats:
    """Mean over the trailing weeks; unknown where fewer than half of them are known."""
    least = (weeks + 1) // 2 if at_least is None else at_least
    known = np.isfinite(values)
    total = _trailing(np.where(known, values, 0), weeks)
    count = _trailing(known, weeks)
    return np.where(count >= max(least, 1), total / np.maximum(count, 1), np.nan)


def past(values: Floats, recent: int) -> Floats:
    """Mean over the weeks that the recent ones are compared with; at least three must be known."""
    skip, weeks = _SPANS[recent]
    return _ago(recently(values, weeks, 3), recent + skip)


def _shapes(meters: Floats) -> tuple[Floats, Floats]:
    hours, blocks = meters[..., POWER_HOURS], meters[..., WATER_BLOCKS]
    pairs = hours.reshape(*hours.shape[:-1], 12, 2).mean(axis=-1)
    shares = np.log(pairs / hours.mean(axis=-1, keepdims=True) + 0.05)
    names = ("power_level", "power_base", "power_peak", "power_rough", "power_work")
    power = np.concatenate([meters[..., [AT[name] for name in names]], shares], axis=-1)
    litres = np.exp(meters[..., AT["water_level"]]) - 0.5
    names = ("water_level", "water_still", "water_heavy")
    spread = np.sqrt(blocks / (litres[..., None] + 1))
    return power, np.concatenate([meters[..., [AT[name] for name in names]], spread], axis=-1)


def _shifts(rows: Floats, peers: Floats, nature: Nature) -> dict[str, Floats]:
    """How far the recent weeks lie from the past, and how that compares with the home's earlier shifts."""
    power, water = shapes(rows, peers)
    found: dict[str, Floats] = {}
    for name, values, natural in (("power", power, nature.power), ("water", water, nature.water)):
        for recent in _SPANS:
            change = moved(values, recent)
            shift = np.log1p(np.sqrt(((change @ natural[recent]) * change).sum(axis=2)))
            found[f"{name}_shift_{recent}"] = shift
            found[f"{name}_shift_{recent}_own"] = shift - _ago(recently(shift, 14, 4), 5)
            found[f"{name}_level_{recent}"] = change[:, :, 0]
    return found


def _meters(rows: Floats, peers: Floats, latest: int) -> dict[str, Floats]:
    power, water = shapes(rows, peers)
    found: dict[str, Floats] = {}
    for name, values in (("power", power), ("water", water)):
        found[f"{name}_level"] = recently(values[:, :, 0], 4)
        found |= _swing(f"{name}_swing", np.abs(_step(values[:, :, 0])))
    change = moved(power, 3)
    found["power_base_change"], found["power_peak_change"] = change[:, :, 1], change[:, :, 2]
    found["power_rough_change"], found["work_change"] = change[:, :, 3], change[:, :, 4]
    found["night_change"] = change[:, :, 5:8].mean(axis=2)
    found["day_share_change"] = change[:, :, 9:14].mean(axis=2)
    found["evening_change"] = change[:, :, 14:17].mean(axis=2)
    found["day_share"] = recently(power[:, :, 9:14].mean(axis=2), 4)
    found["work"] = recently(power[:, :, 4], 4)
    found |= _swing("shape_swing", np.sqrt((_step(power[:, :, 5:]) ** 2).mean(axis=2)))
    for name in ("power_spread", "power_alike", "water_spread"):
        beside = rows[:, :, AT[name]] - peers[None, :, AT[name]]
        found[name] = recently(beside, 6)
        found[f"{name}_change"] = found[name] - _ago(recently(beside, 10, 3), 6)
    change = moved(water, 3)
    found["water_still_change"], found["water_heavy_change"] = change[:, :, 1], change[:, :, 2]
    found["water_still"] = recently(water[:, :, 1], 4)
    found["power_turned"], found["power_fit"] = turned(rows, latest)
    return found


def turned(rows: Floats, latest: int) -> tuple[Floats, Floats]:
    """How much better the recent day fits the day of the past when it is turned by some hours, as a wrong
    clock turns it; and how well it fits as it is."""
    hours = rows[:, :, POWER_HOURS]
    day = hours / hours.mean(axis=2, keepdims=True) - 1
    new, old = recently(day, 3)[:, -latest:], past(day, 3)[:, -latest:]
    size = np.sqrt((new**2).sum(axis=2) * (old**2).sum(axis=2)) + 1e-6
    turns = (np.arange(24)[:, None] - np.arange(24)) % 24
    fits = np.einsum("uwh,uwhk->uwk", new, old[:, :, turns]) / size[:, :, None]
    fit = fits[:, :, 0]
    return fits[:, :, _TURNS.start : _TURNS.stop].max(axis=2) - fit, fit


def _swing(name: str, steps: Floats) -> dict[str, Floats]:
    """How much one week differs from the next, and whether it does so more than before."""
    new, old = recently(steps, 6), _ago(recently(steps, 10, 3), 6)
    return {name: new, f"{name}_change": np.log((new + 0.05) / (old + 0.05))}


def _both(found: dict[str, Floats]) -> dict[str, Floats]:
    """What neither meter says alone: that both moved, and that they moved after the home was empty."""
    both = {
        name: np.minimum(found[f"power_shift_{name}"], found[f"water_shift_{name}"])
        for name in ("3", "6", "6_own")
    }
    after = found["power_shift_3"] + found["water_shift_3"]
    return {
        "both_shift_3": both["3"],
        "both_shift_6": both["6"],
        "both_shift_own": both["6_own"],
        "all_shift": found["power_shift_6_own"] + found["water_shift_6_own"],
        "empty_shift": np.where(found["quiet_before"] > _SOME, after, 0 * after),
    }


def _life(rows: Floats) -> dict[str, Floats]:
    quiet = rows[:, :, AT["quiet_days"]]
    latest = np.stack([_ago(quiet, weeks) for weeks in range(9)])
    return {
        "quiet_now": recently(quiet, 3),
        "quiet_before": _ago(recently(quiet, 6, 2), 3),
        "quiet_most": np.fmax.reduce(latest, axis=0),
    }


def _register(rows: Floats) -> dict[str, Floats]:
    joined = rows[:, :, AT["joined"]] + 2 * rows[:, :, AT["lease_began"]]
    known = np.isfinite(joined)
    return {
        "joined": np.where(
            known, np.minimum(_trailing(np.where(known, joined, 0), _REGISTER_WEEKS), 3), np.nan
        ),
        "heads": np.maximum(rows[:, :, AT["heads"]], 1),
    }


def _door(rows: Floats) -> dict[str, Floats]:
    def of(name: str) -> Floats:
        return rows[:, :, AT[name]]

    known, foreign, code = of("known"), of("foreign"), of("known_code")
    heads, people = np.maximum(of("heads"), 1), of("people")
    seen, opened = of("known_people"), of("openings")
    found: dict[str, Floats] = {}
    for recent in (3, 6):
        new, old = recently(foreign, recent), past(foreign, 3 if recent == 3 else 6)
        found[f"foreign_{recent}"] = np.sqrt(new)
        found[f"foreign_change_{recent}"] = np.sqrt(new) - np.sqrt(old)
        found[f"foreign_share_{recent}"] = _odds(new, recently(known, recent))
        found[f"known_change_{recent}"] = _odds(recently(known, recent), past(known, recent))
    found["foreign_days"] = recently(of("foreign_days"), 3)
    found["with_known"] = _odds(
        recently(of("both_days"), 4), recently(of("foreign_days") - of("both_days"), 4)
    )
    found["known_level"] = np.log1p(recently(known, 3))
    found["known_days_change"] = moved(of("known_days"), 3)
    found["known_people_change"] = moved(seen, 3)
    by_code = _odds(recently(code, 3), recently(known - code, 3))
    found["known_code"] = by_code
    found["known_code_change"] = by_code - _odds(past(code, 3), past(known - code, 3))
    face = of("known_face")
    found["known_face_change"] = _odds(recently(face, 3), recently(known - face, 3)) - _odds(
        past(face, 3), past(known - face, 3)
    )
    found["known_rate"] = _odds(recently(known, 3), recently(seen, 3))
    found["known_head"] = np.log((recently(known, 3) + 1) / (heads + 1))
    found["people"] = recently(people, 4)
    found["unnamed"] = _odds(recently(foreign - of("named"), 4), recently(of("named"), 4))
    found["fresh"] = recently(of("fresh_people"), 6, 2)
    found["turnover"] = found["fresh"] / (recently(people, 6, 2) + _SOME)
    found["office"] = _odds(recently(of("office"), 4), recently(foreign - of("office"), 4))
    found["foreign_code"] = _odds(recently(of("foreign_code"), 4), recently(foreign - of("foreign_code"), 4))
    found["openings_head"] = np.log((recently(opened, 3) + 1) / (heads + 1))
    found["openings_change"] = np.log((recently(opened, 3) + 1) / (past(opened, 3) + 1))
    return found


def _odds(part: Floats, rest: Floats) -> Floats:
    return np.log((part + _SOME) / (rest + _SOME))


def _trailing(values: Floats, weeks: int) -> Floats:
    """Sum over the trailing weeks."""
    count = values.shape[1]
    apart = np.arange(count)[:, None] - np.arange(count)
    band = ((apart >= 0) & (apart < weeks)).astype(np.float64)
    return values @ band.T if values.ndim == 2 else band @ values


def _ago(values: Floats, weeks: int) -> Floats:
    """As it was so many weeks before."""
    found = np.full(values.shape, np.nan)
    found[:, weeks:] = values[:, : max(values.shape[1] - weeks, 0)]
    return found


def _step(values: Floats) -> Floats:
    """Difference to the week before."""
    found = np.full(values.shape, np.nan)
    found[:, 1:] = np.diff(values, axis=1)
    return found
