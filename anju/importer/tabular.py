"""Stream a large file as Arrow tables of some 100,000 rows, with the line each row stands on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anju.importer.problems import Problems

_CSV_BLOCK_BYTES = 16 * 1024 * 1024
_PARQUET_ROWS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some consecutive rows of a file."""

    table: pa.Table
    #: (n,) as an editor counts: the header is line 1; in Parquet the number of the row.
    lines: NDArray[np.int64]


def pieces(
    file: Path, columns: Mapping[str, bool], aliases: Mapping[str, str], problems: Problems
) -> Iterator[Piece]:
    """Read a CSV or Parquet file piece by piece, its columns under their own names.

    Parameters
    ----------
    columns : mapping
        Name → required. Others are refused.
    aliases : mapping
        Other header → name.
    problems : Problems
        Takes what is wrong with the file as a whole and with rows that have too few or many fields.
    """
    try:
        if file.suffix.lower() == ".parquet":
            yield from _parquet(file, columns, aliases, problems)
        else:
            yield from _csv(file, columns, aliases, problems)
    except (pa.ArrowException, OSError) as error:
        code = "encoding_series" if "UTF8" in str(error) else "unreadable"
        problems.add(code, file=file.name, why=str(error).splitlines()[0])


def foreign_pieces(file: Path, problems: Problems) -> Iterator[Piece]:
    """Read a Parquet file piece by piece with whatever columns it has."""
    try:
        with pq.ParquetFile(file) as opened:
            first = 1
            for batch in opened.iter_batches(batch_size=_PARQUET_ROWS):
                yield Piece(
                    table=pa.Table.from_batches([batch]), lines=np.arange(first, first + batch.num_rows)
                )
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        problems.add("unreadable", file=file.name, why=str(error).splitlines()[0])


def rows_in(file: Path) -> int:
    """About how many rows a file has, for a progress bar."""
    if file.suffix.lower() == ".parquet":
        try:
            return pq.read_metadata(file).num_rows
        except (pa.ArrowException, OSError):
            return 0
    with file.open("rb") as opened:
        head = opened.read(1_000_000)
    lines = head.count(b"\n")
    return max(int(file.stat().st_size / max(len(head), 1) * lines), lines)


def _parquet(
    file: Path, columns: Mapping[str, bool], aliases: Mapping[str, str], problems: Problems
) -> Iterator[Piece]:
    with pq.ParquetFile(file) as opened:
        names = _names(opened.schema_arrow.names, columns, aliases, file.name, problems)
    if names is not None:
        for piece in foreign_pieces(file, problems):
            yield Piece(table=piece.table.rename_columns(names), lines=piece.lines)


def _csv(
    file: Path, columns: Mapping[str, bool], aliases: Mapping[str, str], problems: Problems
) -> Iterator[Piece]:
    if file.stat().st_size == 0:
        problems.add("empty_file", file=file.name)
        return
    left_out: list[int] = []

    def bad_row(row: pcsv.InvalidRow) -> str:
        left_out.append(row.number)
        if row.text.strip(" ,\r\n"):
            problems.add(
                "field_count",
                file=file.name,
                line=row.number,
                found=row.actual_columns,
                wanted=row.expected_columns,
            )
        return "skip"

    with file.open("rb") as opened:
        header = opened.readline().decode("utf-8-sig", errors="replace")
    found = [name.strip().strip('"') for name in header.strip("\r\n").split(",")]
    names = _names(found, columns, aliases, file.name, problems)
    if names is None:
        return
    reader = pcsv.open_csv(
        file,
        read_options=pcsv.ReadOptions(
            use_threads=False, block_size=_CSV_BLOCK_BYTES, column_names=names, skip_rows=1
        ),
        parse_options=pcsv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=bad_row),
        convert_options=pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    kept = 0
    with reader:
        for batch in reader:
            lines = np.arange(kept, kept + batch.num_rows) + 2
            kept += batch.num_rows
            # each row that was left out pushes the later ones down by one line
            for skipped in left_out:
                lines[lines >= skipped] += 1
            table = pa.Table.from_batches([batch])
            blank = np.ones(batch.num_rows, dtype=bool)
            for column in table.columns:
                blank &= column.to_numpy() == ""
            if blank.any():
                table, lines = table.filter(pa.array(~blank)), lines[~blank]
            yield Piece(table=table, lines=lines)


def _names(
    found: list[str],
    columns: Mapping[str, bool],
    aliases: Mapping[str, str],
    file: str,
    problems: Problems,
) -> list[str] | None:
    names = [aliases.get(name.strip().lower(), name.strip().lower()) for name in found]
    before = problems.count
    for name in names:
        if name not in columns:
            problems.add("unknown_column", file=file, line=1, column=name, known=", ".join(columns))
        elif names.count(name) > 1:
            problems.add("double_column", file=file, line=1, column=name)
    for name, required in columns.items():
        if required and name not in names:
            problems.add("missing_column", file=file, line=1, column=name)
    return names if problems.count == before else None
