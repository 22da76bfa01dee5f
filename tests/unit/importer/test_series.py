"""Large files: checked piece by piece, every mistake with its line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anju.importer import tabular
from anju.importer.problems import KEPT, Problems
from anju.importer.series import Device, Limits, ReadingBlock, SeriesReader
from wire.quality import Quality

HEADER = "device,channel,time,value\n"
EARLIEST = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


@dataclass(frozen=True)
class FakeProfile:
    name: str
    channels: dict[str, object] = field(default_factory=dict)
    events: frozenset[str] = frozenset()


METER = FakeProfile("energy-register", {"energy_kwh": None})
LOCK = FakeProfile("lock-native", {"battery_pct": None}, frozenset({"entry", "door_opened"}))


@pytest.fixture
def reader() -> SeriesReader:
    return SeriesReader(
        known={
            "d-1": Device(profile=METER, zone="Asia/Shanghai"),
            "d-2": Device(profile=LOCK, zone="Asia/Shanghai"),
            "d-3": Device(profile=METER, zone="Europe/Madrid"),
        },
        limits=Limits(
            earliest_us=EARLIEST, latest_us=LATEST, ranges={1: (0, 0, 1_000, 10_000), 30: (0, 0, 100, 100)}
        ),
        problems=Problems(),
    )


def _file(tmp_path: Path, content: str, name: str = "readings.csv") -> Path:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    return file


def _found(reader: SeriesReader) -> list[tuple[str, int | None, str | None, str | None]]:
    return [(p.code, p.line, p.column, p.value) for p in reader.problems.kept]


def _one(blocks: Iterator[ReadingBlock]) -> ReadingBlock:
    (block,) = blocks
    return block


def _utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


def test_readings_become_numbers(tmp_path: Path, reader: SeriesReader) -> None:
    block = _one(
        reader.readings(
            _file(
                tmp_path,
                "device,channel,time,value,received_at\n"
                "d-1,energy_kwh,2026-01-01T00:30:00Z,12.5,2026-01-01T00:30:09Z\n"
                "d-1,energy_kwh,2026-01-01T09:00:00+08:00,13,\n",
            )
        )
    )
    assert _found(reader) == []
    assert [reader.devices[index] for index in block.device] == ["d-1", "d-1"]
    assert block.time_us.tolist() == [_utc(2026, 1, 1, 0, 30), _utc(2026, 1, 1, 1)]
    # no time of arrival: as if it had arrived at once
    assert block.received_us.tolist() == [_utc(2026, 1, 1, 0, 30, 9), _utc(2026, 1, 1, 1)]
    assert block.value.tolist() == [12.5, 13]


@pytest.mark.parametrize(
    "written",
    ["2026-01-01 08:30", "2026-01-01T08:30:00", "2026/1/1 8:30", "2026-01-01T00:30:00Z"],
)
def test_times_without_a_zone_are_local_to_the_estate(
    tmp_path: Path, reader: SeriesReader, written: str
) -> None:
    block = _one(reader.readings(_file(tmp_path, HEADER + f"d-1,energy_kwh,{written},1\n")))
    assert block.time_us.tolist() == [_utc(2026, 1, 1, 0, 30)]


def test_mixed_ways_of_writing_times_are_read(tmp_path: Path, reader: SeriesReader) -> None:
    rows = "d-1,energy_kwh,2026-01-01T00:30:00Z,1\nd-1,energy_kwh,2026-01-01 09:00,2\n"
    block = _one(reader.readings(_file(tmp_path, HEADER + rows)))
    assert block.time_us.tolist() == [_utc(2026, 1, 1, 0, 30), _utc(2026, 1, 1, 1)]


def test_every_mistake_is_reported_where_it_stands(tmp_path: Path, reader: SeriesReader) -> None:
    file = _file(
        tmp_path,
        HEADER
        + "d-9,energy_kwh,2026-01-01T00:00:00Z,1\n"
        + "d-1,water_l,2026-01-01T00:00:00Z,1\n"
        + "d-1,volts,2026-01-01T00:00:00Z,1\n"
        + "\n"
        + "d-1,energy_kwh,2026-02-30T00:00:00Z,1\n"
        + "d-1,energy_kwh,2026-01-01T00:00:00Z,1.2.3\n"
        + "d-1,energy_kwh,2026-01-01T00:00:00Z\n"
        + "d-1,energy_kwh,2026-01-01T00:00:00Z,\n"
        + "d-1,energy_kwh,1970-01-01T00:00:00Z,1\n"
        + "d-1,energy_kwh,2026-01-01T00:00:00Z,-5\n"
        + "d-3,energy_kwh,2026-03-29 02:30,1\n"
        + ",energy_kwh,2026-01-01T00:00:00Z,1\n"
        + "d-1,energy_kwh,2026-01-01T00:30:00Z,nan\n"
        + "d-1,energy_kwh,2026-01-01T01:00:00Z,7\n",
    )
    block = _one(reader.readings(file))
    assert sorted(_found(reader), key=lambda found: found[1] or 0) == [
        ("unknown_reference", 2, "device", "d-9"),
        ("channel_not_in_profile", 3, "channel", "water_l"),
        ("not_in_list", 4, "channel", "volts"),
        ("not_time", 6, "time", "2026-02-30T00:00:00Z"),
        ("not_number", 7, "value", "1.2.3"),
        ("field_count", 8, None, None),
        ("required", 9, "value", None),
        ("time_outside", 10, "time", "1970-01-01T00:00:00Z"),
        ("out_of_range", 11, "value", "-5"),
        ("time_skipped", 12, "time", "2026-03-29 02:30"),
        ("required", 13, "device", None),
        ("not_number", 14, "value", "nan"),
    ]
    assert block.value.tolist() == [7]


def test_usual_limits_flag_and_hard_limits_refuse(tmp_path: Path, reader: SeriesReader) -> None:
    rows = "d-1,energy_kwh,2026-01-01T00:00:00Z,999\nd-1,energy_kwh,2026-01-01T01:00:00Z,1001\n"
    block = _one(reader.readings(_file(tmp_path, HEADER + rows)))
    assert block.quality.tolist() == [0, Quality.SOFT_LIMIT]


def test_parquet_of_many_types_is_read_in_pieces(
    tmp_path: Path, reader: SeriesReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "_PARQUET_ROWS", 400)
    when = np.arange(1_000) * 3_600_000 + _utc(2026, 1, 1) // 1_000
    table = pa.table(
        {
            "device": pa.array(["d-1"] * 1_000).dictionary_encode(),
            "channel": pa.array(["energy_kwh"] * 1_000),
            "time": pa.array(when, pa.timestamp("ms", "UTC")),
            "value": pa.array(np.arange(1_000), pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "readings.parquet")
    blocks = list(reader.readings(tmp_path / "readings.parquet"))
    assert _found(reader) == []
    assert [block.value.size for block in blocks] == [400, 400, 200]
    assert blocks[2].time_us[-1] == _utc(2026, 1, 1) + 999 * 3_600_000_000


def test_local_parquet_times_take_the_zone_of_the_estate(tmp_path: Path, reader: SeriesReader) -> None:
    local = datetime(2026, 1, 1, 8, 30)  # noqa: DTZ001
    table = pa.table({"device": ["d-1"], "channel": ["energy_kwh"], "time": [local], "value": [1.0]})
    pq.write_table(table, tmp_path / "readings.parquet")
    assert _one(reader.readings(tmp_path / "readings.parquet")).time_us.tolist() == [_utc(2026, 1, 1, 0, 30)]


def test_the_number_of_the_row_is_told_for_parquet(tmp_path: Path, reader: SeriesReader) -> None:
    table = pa.table(
        {
            "device": ["d-1", "d-1"],
            "channel": ["energy_kwh", "energy_kwh"],
            "time": pa.array([_utc(2026, 1, 1), None], pa.timestamp("us", "UTC")),
            "value": [1.0, 2.0],
        }
    )
    pq.write_table(table, tmp_path / "readings.parquet")
    list(reader.readings(tmp_path / "readings.parquet"))
    assert _found(reader) == [("required", 2, "time", None)]


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [
        ("device,channel,time", "missing_column", "value"),
        ("device,channel,time,value,colour", "unknown_column", "colour"),
        ("device,channel,time,value,时间", "double_column", "time"),
    ],
)
def test_a_doubtful_header_is_refused(
    tmp_path: Path, reader: SeriesReader, header: str, code: str, column: str
) -> None:
    assert list(reader.readings(_file(tmp_path, header + "\nd-1,energy_kwh,2026-01-01T00:00:00Z,1\n"))) == []
    assert (code, column) in [(p.code, p.column) for p in reader.problems.kept]


def test_chinese_headers_mean_the_same(tmp_path: Path, reader: SeriesReader) -> None:
    file = _file(tmp_path, "\ufeff设备编号,通道,时间,示数\nd-1,energy_kwh,2026-01-01 08:00,5\n")
    assert _one(reader.readings(file)).value.tolist() == [5]


def test_a_file_that_is_no_text_or_no_parquet_is_reported(tmp_path: Path, reader: SeriesReader) -> None:
    broken = tmp_path / "readings.parquet"
    broken.write_bytes(b"PAR1")
    other = tmp_path / "events.csv"
    other.write_bytes("device,time,type\nd-2,2026-01-01T00:00:00Z,门\n".encode("gb18030"))
    assert list(reader.readings(broken)) == []
    assert list(reader.events(other)) == []
    assert [p.code for p in reader.problems.kept] == ["unreadable", "encoding_series"]


def test_what_is_not_kept_is_counted(tmp_path: Path, reader: SeriesReader) -> None:
    wrong = "d-9,energy_kwh,2026-01-01T00:00:00Z,1\n" * (KEPT + 500)
    list(reader.readings(_file(tmp_path, HEADER + wrong)))
    assert (len(reader.problems.kept), reader.problems.count) == (KEPT, KEPT + 500)


def test_events_are_coded_and_their_mistakes_reported(tmp_path: Path, reader: SeriesReader) -> None:
    file = _file(
        tmp_path,
        "device,time,type,method,subject,result,value\n"
        "d-2,2026-01-01T00:00:00Z,entry,face,p-1,granted,\n"
        "d-2,2026-01-01T00:00:03Z,door_opened,,,,\n"
        "d-2,2026-01-01T00:00:04Z,smoke,,,,\n"
        "d-2,2026-01-01T00:00:05Z,knocked,,,,\n"
        "d-2,2026-01-01T00:00:06Z,entry,magic,p-1,granted,\n"
        f"d-2,2026-01-01T00:00:07Z,entry,face,{'p' * 129},granted,\n",
        "events.csv",
    )
    (block,) = reader.events(file)
    assert block.type.tolist() == [1, 2]
    assert block.method.tolist() == [2, 0]
    assert block.result.tolist() == [1, 0]
    assert np.isnan(block.value).all()
    assert block.subject == ["p-1", None]
    assert sorted((p.code, p.line, p.column) for p in reader.problems.kept) == [
        ("events_not_in_profile", 4, "type"),
        ("not_in_list", 5, "type"),
        ("not_in_list", 6, "method"),
        ("too_long", 7, "subject"),
    ]
