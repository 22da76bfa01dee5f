"""What a feed has brought so far, in a folder: each time whole and new, or not at all.

A generation is a folder of arrays and texts that is written beside the one before. Only when all of it is on
the disk does the file `newest` name it, in one step; whoever is killed before leaves what there was.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anomaly.episodes import Lead
from anomaly.errors import FeedRefused
from anomaly.feed import Feed
from anomaly.feed_events import Told
from anomaly.feed_hours import Hours
from anomaly.feed_readings import Stored
from anomaly.feed_tables import Stay, Unit

#: Another one cannot be read: what it holds, or what it means, is not the same.
FORMAT = 1
_NEWEST, _GENERATION, _TEXTS, _LEADS = "newest", "generation-", "state.json", "leads.jsonl"


@dataclass(frozen=True, kw_only=True)
class State:
    """A feed with what was said of it."""

    feed: Feed
    #: Up to when it was asked for.
    until: datetime
    #: The first and the newest evening that was walked; None: none yet.
    first: date | None
    last: date | None
    #: Names of the folders that were read.
    steps: tuple[str, ...]
    leads: tuple[Lead, ...]


def load(folder: Path, *, city: str, zone: ZoneInfo, units: tuple[Unit, ...]) -> State | None:
    """What is kept in a folder; None: nothing yet.

    Raises
    ------
    FeedRefused
        It was made by another version or for another city or zone, or it is damaged.
    """
    pointer = folder / _NEWEST
    if not pointer.is_file():
        return None
    try:
        generation = folder / pointer.read_text(encoding="utf-8").strip()
        texts = json.loads((generation / _TEXTS).read_text(encoding="utf-8"))
        for name, mine in (("format", FORMAT), ("city", city), ("zone", zone.key)):
            if texts.get(name) != mine:
                raise FeedRefused(
                    f"{folder} is of {name} {texts.get(name)}, not {mine}: begin with an empty folder"
                )
        return _state(generation, texts, zone, units)
    except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise FeedRefused(f"{folder} is damaged: {error!r}; begin with an empty folder") from error


def save(folder: Path, state: State) -> None:
    """Keep a state in place of the one before."""
    pointer = folder / _NEWEST
    before = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
    number = int(before.removeprefix(_GENERATION) or 0) + 1
    generation = folder / f"{_GENERATION}{number}"
    _remove(folder, but=before)
    generation.mkdir(parents=True)
    feed = state.feed
    for part in (feed.readings, feed.told, feed.hours):
        for one in fields(part):
            column = getattr(part, one.name)
            if isinstance(column, np.ndarray):
                _save_array(generation / f"{type(part).__name__}.{one.name}.npy", column)
    texts = {
        "format": FORMAT,
        "city": feed.city,
        "zone": feed.zone.key,
        "until": state.until.isoformat(),
        "first": state.first and state.first.isoformat(),
        "last": state.last and state.last.isoformat(),
        "steps": state.steps,
        "codes": feed.codes,
        "subjects": feed.told.subjects,
        "highest_l": feed.highest_l.tolist(),
        "first_day": feed.hours.first_day,
        "taken_us": feed.taken_us,
        "absences": [asdict(stay) for stay in feed.absences.values()],
        "residents": [asdict(stay) for stay in feed.residents.values()],
    }
    _save_text(generation / _TEXTS, json.dumps(texts, ensure_ascii=False))
    lines = [json.dumps(_row(lead), ensure_ascii=False) for lead in state.leads]
    _save_text(generation / _LEADS, "".join(line + "\n" for line in lines))
    _sync(generation)
    half = folder / (_NEWEST + ".part")
    _save_text(half, generation.name + "\n")
    half.replace(pointer)
    _sync(folder)
    _remove(folder, but=generation.name)


def _state(generation: Path, texts: dict[str, object], zone: ZoneInfo, units: tuple[Unit, ...]) -> State:
    known = _Texts(texts)

    def array(part: str, name: str) -> NDArray[np.generic]:
        return np.load(generation / f"{part}.{name}.npy", allow_pickle=False)

    def arrays(part: type[object], but: Sequence[str] = ()) -> dict[str, object]:
        names = [one.name for one in fields(part) if one.name not in but]  # pyright: ignore[reportArgumentType]
        return {name: array(part.__name__, name) for name in names}

    told = Told(subjects=tuple(known.names("subjects")), **arrays(Told, ["subjects"]))  # pyright: ignore[reportArgumentType]
    hours = Hours(first_day=known.number("first_day"), **arrays(Hours, ["first_day"]))  # pyright: ignore[reportArgumentType]
    feed = Feed(
        city=str(texts["city"]),
        zone=zone,
        units=units,
        codes=known.names("codes"),
        readings=Stored(**arrays(Stored)),  # pyright: ignore[reportArgumentType]
        highest_l=np.array(texts["highest_l"], np.float64),
        hours=hours,
        taken_us=known.number("taken_us"),
        told=told,
        absences={(stay.code, stay.start_us): stay for stay in known.stays("absences")},
        residents={(stay.code, stay.subject, stay.start_us): stay for stay in known.stays("residents")},
    )
    lines = (generation / _LEADS).read_text(encoding="utf-8").splitlines()
    return State(
        feed=feed,
        until=datetime.fromisoformat(str(texts["until"])),
        first=known.day("first"),
        last=known.day("last"),
        steps=tuple(known.names("steps")),
        leads=tuple(_lead(json.loads(line)) for line in lines),
    )


class _Texts:
    """The texts of a state by what each must be."""

    def __init__(self, texts: dict[str, object]) -> None:
        self._texts = texts

    def names(self, key: str) -> list[str]:
        found = self._texts[key]
        if not isinstance(found, list):
            raise TypeError(key)
        return [str(name) for name in found]

    def stays(self, key: str) -> list[Stay]:
        found: object = self._texts[key]
        if not isinstance(found, list):
            raise TypeError(key)
        return [Stay(**row) for row in found]

    def number(self, key: str) -> int:
        return int(str(self._texts[key]))

    def day(self, key: str) -> date | None:
        found = self._texts[key]
        return None if found is None else date.fromisoformat(str(found))


def _row(lead: Lead) -> dict[str, object]:
    moments = {name: getattr(lead, name).isoformat() for name in ("at", "since", "last_as_of", "last_at")}
    return asdict(lead) | moments


def _lead(row: dict[str, str]) -> Lead:
    moments = {name: datetime.fromisoformat(row[name]) for name in ("at", "since", "last_at")}
    last_as_of = date.fromisoformat(row["last_as_of"])
    return Lead(**{**row, **moments, "last_as_of": last_as_of})  # pyright: ignore[reportArgumentType]


def _remove(folder: Path, *, but: str) -> None:
    for old in folder.glob(_GENERATION + "*"):
        if old.name != but:
            shutil.rmtree(old)


def _save_array(file: Path, column: NDArray[np.generic]) -> None:
    with file.open("wb") as to:
        np.save(to, column, allow_pickle=False)
        to.flush()
        os.fsync(to.fileno())


def _save_text(file: Path, text: str) -> None:
    with file.open("w", encoding="utf-8") as to:
        to.write(text)
        to.flush()
        os.fsync(to.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
