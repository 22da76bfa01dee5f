"""Signals as a file, in the columns that the back-test scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage.pool import Connection
from storage.queries import load

_SQL = load("anomaly", "export.sql")

#: What the back-test knows; other kinds on demand.
KINDS = (
    "leak",
    "vacancy",
    "alarm",
    "burst",
    "elder_silence",
    "overload",
    "sublet",
    "group_rental",
    "business",
    "short_stay",
)
_SCHEMA = pa.schema(
    [
        ("unit_id", pa.string()),
        ("kind", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("since", pa.timestamp("us", tz="UTC")),
        ("score", pa.float64()),
        ("evidence", pa.string()),
    ]
)


def export(connection: Connection, file: Path, *, kinds: Sequence[str] = KINDS) -> int:
    """Write the signals of some kinds as Parquet, oldest first.

    `unit_id` is the code of the home; `evidence` the sentence on top, in Chinese. The file appears whole or
    not at all.

    Returns
    -------
    int
        Rows written.
    """
    rows = connection.execute(_SQL["signals"], {"kinds": list(kinds)}).fetchall()
    write(file, rows)
    return len(rows)


def write(file: Path, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of unit_id, kind, at, since, score and evidence as Parquet; whole or not at all."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _SCHEMA]
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)],
        schema=_SCHEMA,
    )
    half = file.with_name(file.name + ".part")
    pq.write_table(table, half, compression="zstd")
    half.replace(file)
