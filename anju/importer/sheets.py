"""Read the small files of an import: CSV as spreadsheets write it, every field parsed or reported."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anju.importer.columns import BadField, Column
from anju.importer.problems import Problems
from anju.importer.tables import Table

_SEPARATORS = ",;\t"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One parsed line."""

    line: int
    #: By column; of the type that the column's parser makes.
    values: dict[str, Any]

    def text(self, column: str) -> str:
        """A text column; empty where nothing was given."""
        value = self.values[column]
        return "" if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One file, parsed."""

    table: Table
    file: str
    rows: list[Row]
    #: Rows with a problem, reported already: never written, but their codes are no unknown references.
    broken: list[Row] = field(default_factory=list)

    def all_rows(self) -> list[Row]:
        return [*self.rows, *self.broken]


def read(file: Path, table: Table, problems: Problems) -> Sheet:
    """Parse one CSV file.

    Parameters
    ----------
    file : Path
        UTF-8 with or without a byte order mark, or GB18030 (with a notice).
    problems : Problems
        Takes everything that is wrong, by line and column.
    """
    sheet = Sheet(table=table, file=file.name, rows=[])
    text = _decoded(file, problems)
    if text is None:
        return sheet
    header_line = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=header_line.count)
    lines = _lines(text, separator, file.name, problems)
    first = next(lines, None)
    if first is None:
        problems.add("empty_file", file=file.name)
        return sheet
    columns = _header(first[1], table, file.name, problems)
    if columns is None:
        return sheet
    seen: dict[tuple[object, ...], int] = {}
    for line, fields in lines:
        if len(fields) != len(columns):
            problems.add("field_count", file=file.name, line=line, found=len(fields), wanted=len(columns))
            continue
        if not _row(line, fields, columns, sheet, problems):
            continue
        row = sheet.rows[-1]
        key = tuple(row.values[name] for name in table.key)
        if key in seen:
            sheet.broken.append(sheet.rows.pop())
            shown = " ".join(str(part) for part in key if part != "")
            problems.add(
                "double_key",
                file=file.name,
                line=line,
                column=table.key[-1],
                value=shown,
                other=seen[key],
            )
        else:
            seen[key] = line
    return sheet


def _decoded(file: Path, problems: Problems) -> str | None:
    try:
        raw = file.read_bytes()
    except OSError as error:
        problems.add("unreadable", file=file.name, why=error.strerror)
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        problems.add("encoding", file=file.name)
        return None
    problems.notice("read_as_gb18030", file=file.name)
    return text


def _lines(text: str, separator: str, file: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Each row with its first line; blank rows are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add("unreadable", file=file, line=reader.line_num, why=error)
            return
        if any(field.strip() for field in fields):
            yield start, fields
        start = reader.line_num + 1


def _header(fields: list[str], table: Table, file: str, problems: Problems) -> list[Column] | None:
    known = ", ".join(column.name for column in table.columns)
    found: list[Column] = []
    sound = True
    for header in fields:
        column = table.column(header)
        if column is None:
            problems.add("unknown_column", file=file, line=1, column=header.strip(), known=known)
            sound = False
        elif column in found:
            problems.add("double_column", file=file, line=1, column=column.name)
            sound = False
        else:
            found.append(column)
    for column in table.columns:
        if column.required and column not in found:
            problems.add("missing_column", file=file, line=1, column=column.name)
            sound = False
    return found if sound else None


def _row(line: int, fields: list[str], columns: list[Column], sheet: Sheet, problems: Problems) -> bool:
    """Parse one row into the sheet: among the sound rows or the broken ones."""
    values: dict[str, object] = {column.name: column.default for column in sheet.table.columns}
    before = problems.count
    for column, raw in zip(columns, fields, strict=True):
        text = raw.strip()
        if not text and column.required:
            problems.add("required", file=sheet.file, line=line, column=column.name)
        elif text:
            try:
                values[column.name] = column.parse(text)
            except BadField as bad:
                shown = None if column.personal else text
                problems.add(
                    bad.code, file=sheet.file, line=line, column=column.name, value=shown, **bad.words
                )
    sound = problems.count == before
    (sheet.rows if sound else sheet.broken).append(Row(line=line, values=values))
    return sound
