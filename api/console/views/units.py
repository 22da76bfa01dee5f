"""Every home of an estate as a table: the board for those who search, or do not see tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from api.console import words
from api.console.texts import Catalogue
from api.console.views.board import building_name, tile_word
from api.console.views.common import Choice
from housing.board import Board, Tile

#: State → class of its chip.
_TONES = {
    "hazard": "hazard",
    "high": "lead",
    "mid": "lead",
    "device": "device",
    "silent": "unknown",
    "none": "unknown",
    "pause": "pause",
    "calm": "",
}


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One home."""

    code: str
    href: str
    state: str
    tone: str
    word: str
    last: str


@dataclass(frozen=True, kw_only=True)
class BuildingRows:
    """The homes of one building, ground floor last."""

    name: str
    units: tuple[UnitRow, ...]


@dataclass(frozen=True, kw_only=True)
class UnitsView:
    """The page."""

    name: str
    estate: str
    estates: tuple[Choice, ...]
    count: int
    buildings: tuple[BuildingRows, ...]
    #: What was searched for; empty: nothing.
    code: str
    missing: bool


def view(
    t: Catalogue,
    board: Board,
    *,
    estates: Sequence[Choice],
    runs: Mapping[int, float],
    code: str,
    now: datetime,
) -> UnitsView:
    """Put the board into rows."""
    zone = ZoneInfo(board.estate.time_zone)
    return UnitsView(
        name=t.of(board.estate.name, board.estate.name_en or board.estate.name),
        estate=board.estate.code,
        estates=tuple(estates),
        count=len(board.tiles),
        buildings=tuple(
            BuildingRows(
                name=building_name(t, name, tiles[0].building_name),
                units=tuple(_row(t, tile, runs, zone, now) for tile in tiles),
            )
            for name, tiles in (
                (name, list(group)) for name, group in groupby(board.tiles, lambda tile: tile.building)
            )
        ),
        code=code,
        missing=bool(code),
    )


def _row(t: Catalogue, tile: Tile, runs: Mapping[int, float], zone: ZoneInfo, now: datetime) -> UnitRow:
    return UnitRow(
        code=tile.unit,
        href=f"/units/{tile.unit_id}",
        state=tile.state,
        tone=_TONES[tile.state],
        word=tile_word(t, tile, runs, now) if tile.state not in {"none", "pause"} else "",
        last=words.stamp(t, tile.heard_at, zone, now=now) if tile.heard_at else "–",
    )
