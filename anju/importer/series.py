"""Past readings and events, checked and turned into numbers piece by piece, never all in memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anju.importer import columnar
from anju.importer.check import Profile
from anju.importer.columnar import Refused
from anju.importer.problems import Problems
from anju.importer.tables import EVENT_COLUMNS, READING_COLUMNS, SERIES_ALIASES
from anju.importer.tabular import Piece, foreign_pieces, pieces
from wire import channels
from wire.events import EventType, Method, Result
from wire.quality import Quality

_CHANNELS = [channel.name for channel in channels.CHANNELS]
_CHANNEL_CODES = np.array([channel.code for channel in channels.CHANNELS], dtype=np.int16)
_SUBJECT_CHARS = 128

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Translate = Callable[[Piece], Piece]


@dataclass(frozen=True, kw_only=True)
class Device:
    """What a reading or event needs to know of its device."""

    profile: Profile
    #: Time zone of its estate.
    zone: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may stand in a file, from the policy; times in microseconds since 1970."""

    earliest_us: int
    latest_us: int
    #: By channel code: hard minimum, soft minimum, soft maximum, hard maximum.
    ranges: Mapping[int, tuple[float, float, float, float]]


@dataclass(frozen=True, kw_only=True)
class ReadingBlock:
    """Checked readings; the arrays have one length."""

    #: Index into `SeriesReader.devices`.
    device: Ints
    channel: NDArray[np.int16]
    time_us: Ints
    received_us: Ints
    value: Floats
    #: Flags beside IMPORTED.
    quality: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class EventBlock:
    """Checked events; the arrays and lists have one length."""

    device: Ints
    time_us: Ints
    received_us: Ints
    type: NDArray[np.int16]
    method: NDArray[np.int16]
    result: NDArray[np.int16]
    #: NaN: none.
    value: Floats
    subject: list[str | None]


@dataclass(kw_only=True)
class SeriesReader:
    """Reads the two large files against one set of devices and limits."""

    known: Mapping[str, Device]
    limits: Limits
    problems: Problems
    #: Code by index, as in the blocks.
    devices: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.devices = list(self.known)
        self._zones = sorted({device.zone for device in self.known.values()})
        self._zone_of = np.array(
            [self._zones.index(device.zone) for device in self.known.values()], dtype=np.int64
        )
        profiles = list({id(device.profile): device.profile for device in self.known.values()}.values())
        place = {id(profile): index for index, profile in enumerate(profiles)}
        self._profiles = profiles
        self._profile_of = np.array(
            [place[id(device.profile)] for device in self.known.values()], dtype=np.int64
        )
        self._has_channel = np.array(
            [[name in profile.channels for name in _CHANNELS] for profile in profiles], dtype=bool
        ).reshape(len(profiles), len(_CHANNELS))
        self._has_event = {
            index: frozenset(int(EventType[name]) for name in profile.events)
            for index, profile in enumerate(profiles)
        }

    def readings(self, file: Path, *, translated: Translate | None = None) -> Iterator[ReadingBlock]:
        """Check and yield the readings of a file; rows with a problem are left out.

        Parameters
        ----------
        translated : callable, optional
            Turns a piece of a foreign file into one with our columns (`pack`).
        """
        found = (
            pieces(file, READING_COLUMNS, SERIES_ALIASES, self.problems)
            if translated is None
            else (translated(piece) for piece in foreign_pieces(file, self.problems))
        )
        for piece in found:
            if piece.table.num_rows:
                yield self._readings(file.name, piece)

    def events(self, file: Path, *, translated: Translate | None = None) -> Iterator[EventBlock]:
        """Check and yield the events of a file, likewise."""
        found = (
            pieces(file, EVENT_COLUMNS, SERIES_ALIASES, self.problems)
            if translated is None
            else (translated(piece) for piece in foreign_pieces(file, self.problems))
        )
        for piece in found:
            if piece.table.num_rows:
                yield self._events(file.name, piece)

    def _readings(self, file: str, piece: Piece) -> ReadingBlock:
        rows = _Rows(file, piece, self.problems)
        device, zone = self._devices(rows)
        names = rows.text("channel")
        channel = columnar.indexed(names, _CHANNELS)
        rows.refuse("channel", channel < 0, "not_in_list", known=", ".join(_CHANNELS))
        self._check_channels(rows, device, channel)
        time_us, received_us = self._times(rows, zone)
        value, refused = columnar.numbers(rows.column("value"))
        rows.take("value", refused, required=True)
        code = _CHANNEL_CODES[np.maximum(channel, 0)]
        quality = self._hold_against_limits(rows, code, value)
        good = rows.good
        return ReadingBlock(
            device=device[good],
            channel=code[good],
            time_us=time_us[good],
            received_us=received_us[good],
            value=value[good],
            quality=quality[good],
        )

    def _events(self, file: str, piece: Piece) -> EventBlock:
        rows = _Rows(file, piece, self.problems)
        device, zone = self._devices(rows)
        kind = _coded(rows, "type", EventType)
        profile = np.where(device >= 0, self._profile_of[device] if self.devices else 0, -1)
        for index, allowed in self._has_event.items():
            wrong = (profile == index) & (kind > 0) & ~np.isin(kind, list(allowed))
            name = self._name_of_profile(index)
            rows.refuse("type", wrong, "events_not_in_profile", profile=name)
        method, result = _coded(rows, "method", Method), _coded(rows, "result", Result)
        time_us, received_us = self._times(rows, zone)
        value, refused = columnar.numbers(rows.column("value"))
        rows.take("value", refused, required=False)
        subject = rows.text("subject")
        rows.refuse(
            "subject", columnar.longer_than(subject, _SUBJECT_CHARS), "too_long", limit=_SUBJECT_CHARS
        )
        good = rows.good
        return EventBlock(
            device=device[good],
            time_us=time_us[good],
            received_us=received_us[good],
            type=kind[good].astype(np.int16),
            method=method[good].astype(np.int16),
            result=result[good].astype(np.int16),
            value=value[good],
            subject=subject.filter(pa.array(good)).to_pylist(),
        )

    def _devices(self, rows: "_Rows") -> tuple[Ints, Ints]:
        device = columnar.indexed(rows.text("device"), self.devices)
        rows.refuse("device", device < 0, "unknown_reference", noun_zh="设备", noun_en="device")
        zone = np.full(device.size, -1, dtype=np.int64)
        known = device >= 0
        zone[known] = self._zone_of[device[known]]
        return device, zone

    def _check_channels(self, rows: "_Rows", device: Ints, channel: Ints) -> None:
        both = np.flatnonzero((device >= 0) & (channel >= 0))
        profile = self._profile_of[device[both]] if both.size else both
        missing = both[~self._has_channel[profile, channel[both]]] if both.size else both
        for index in np.unique(self._profile_of[device[missing]]) if missing.size else ():
            wrong = np.zeros(device.size, dtype=bool)
            wrong[missing[self._profile_of[device[missing]] == index]] = True
            known = ", ".join(self._profiles[index].channels)
            name = self._name_of_profile(int(index))
            rows.refuse("channel", wrong, "channel_not_in_profile", profile=name, known=known)

    def _name_of_profile(self, index: int) -> str:
        return str(getattr(self._profiles[index], "name", index))

    def _times(self, rows: "_Rows", zone: Ints) -> tuple[Ints, Ints]:
        column = rows.column("time")
        time_us, refused = columnar.instants(column, zone, self._zones)
        rows.take("time", refused, required=True)
        outside = (time_us < self.limits.earliest_us) | (time_us > self.limits.latest_us)
        rows.refuse("time", outside, "time_outside")
        arrived = rows.column("received_at")
        received_us, refused = columnar.instants(arrived, zone, self._zones)
        rows.take("received_at", refused, required=False)
        missing = arrived.is_null().to_numpy(zero_copy_only=False) | (received_us == 0)
        return time_us, np.where(missing, time_us, received_us)

    def _hold_against_limits(
        self, rows: "_Rows", code: NDArray[np.int16], value: Floats
    ) -> NDArray[np.int16]:
        quality = np.zeros(value.size, dtype=np.int16)
        for channel in np.unique(code).tolist():
            if channel not in self.limits.ranges:
                continue
            hard_min, soft_min, soft_max, hard_max = self.limits.ranges[channel]
            mine = code == channel
            hard = mine & ((value < hard_min) | (value > hard_max))
            rows.refuse("value", hard, "out_of_range", low=hard_min, high=hard_max)
            quality[mine & ((value < soft_min) | (value > soft_max))] = Quality.SOFT_LIMIT
        return quality


class _Rows:
    """One piece while it is checked: which rows are still good."""

    def __init__(self, file: str, piece: Piece, problems: Problems) -> None:
        self.file = file
        self.piece = piece
        self.problems = problems
        self.good = np.ones(piece.table.num_rows, dtype=bool)

    def column(self, name: str) -> pa.Array:
        """A column; all null where the file has none."""
        if name not in self.piece.table.column_names:
            return pa.nulls(self.piece.table.num_rows, pa.string())
        return self.piece.table[name].combine_chunks()

    def text(self, name: str) -> pa.Array:
        """A column as trimmed text."""
        return columnar.text(self.column(name))

    def take(self, name: str, refused: Refused, *, required: bool) -> None:
        """Report what a parser refused, and empty fields where one is required."""
        for place, row in enumerate(refused.rows.tolist()):
            self._report(name, row, refused.codes[place], refused.words[place])
        self.good[refused.rows] = False
        if required:
            self.refuse(name, self._empty(name), "required")

    def refuse(self, name: str, wrong: Bools, code: str, **words: object) -> None:
        """Report each row that is wrong and still unreported."""
        rows = np.flatnonzero(wrong & self.good)
        if rows.size == 0:
            return
        self.good[rows] = False
        empty = self._empty(name)
        for place, row in enumerate(rows.tolist()):
            if self.problems.full():
                self.problems.add_uncounted(file=self.file, further=rows.size - place)
                return
            self._report(name, row, "required" if empty[row] else code, words)

    def _empty(self, name: str) -> Bools:
        column = self.column(name)
        if not pa.types.is_timestamp(column.type) and not pa.types.is_primitive(column.type):
            column = columnar.text(column)
        return column.is_null().to_numpy(zero_copy_only=False)

    def _report(self, name: str, row: int, code: str, words: Mapping[str, object]) -> None:
        value = None if code == "required" else self.column(name)[row].as_py()
        line = int(self.piece.lines[row])
        self.problems.add(code, file=self.file, line=line, column=name, value=value, **words)


def _coded(rows: _Rows, column: str, kinds: type[EventType] | type[Method] | type[Result]) -> Ints:
    """Codes of a closed list by name; 0 where an optional field is empty."""
    words = rows.text(column)
    names = [kind.name for kind in kinds]
    found = columnar.indexed(words, names)
    empty = words.is_null().to_numpy(zero_copy_only=False)
    wrong = (found < 0) & ~empty if not EVENT_COLUMNS[column] else found < 0
    rows.refuse(column, wrong, "not_in_list", known=", ".join(names))
    codes = np.array([int(kind) for kind in kinds], dtype=np.int64)
    return np.where(found < 0, 0, codes[np.maximum(found, 0)])
