"""CSV as spreadsheets write it: every mistake with file, line, column and value."""

from pathlib import Path

import pytest

from anju.importer.problems import KEPT, Problems
from anju.importer.sheets import Sheet, read
from anju.importer.tables import BY_NAME

UNITS = "estate,building,code,stair,floor,door,area_m2\n"


def _read(tmp_path: Path, content: str | bytes, table: str = "units") -> tuple[Sheet, Problems]:
    file = tmp_path / f"{table}.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    return read(file, BY_NAME[table], problems), problems


def _found(problems: Problems) -> list[tuple[str, int | None, str | None, str | None]]:
    return [(p.code, p.line, p.column, p.value) for p in problems.kept]


def test_rows_are_parsed_with_their_line(tmp_path: Path) -> None:
    sheet, problems = _read(tmp_path, UNITS + "he,3,3-1-0101,1,1,0101,48.5\n\nhe,3,3-1-0102,1,1,0102,\n")
    assert problems.count == 0
    assert [(row.line, row.values["code"], row.values["area_m2"]) for row in sheet.rows] == [
        (2, "3-1-0101", 48.5),
        (4, "3-1-0102", None),
    ]


@pytest.mark.parametrize(
    ("encoding", "notices"),
    [("utf-8", []), ("utf-8-sig", []), ("gb18030", ["read_as_gb18030"])],
)
def test_the_encodings_of_excel_are_read(tmp_path: Path, encoding: str, notices: list[str]) -> None:
    content = "code,name,city\nhe,和安苑,anhe\n".encode(encoding)
    sheet, problems = _read(tmp_path, content, "estates")
    assert [row.values["name"] for row in sheet.rows] == ["和安苑"]
    assert [notice.code for notice in problems.notices] == notices
    assert problems.count == 0


def test_another_encoding_is_refused_with_advice(tmp_path: Path) -> None:
    _, problems = _read(tmp_path, "code,name,city\nhe,和安苑,anhe\n".encode("utf-16"), "estates")
    assert [(p.code, "CSV UTF-8" in p.zh, "CSV UTF-8" in p.en) for p in problems.kept] == [
        ("encoding", True, True)
    ]


def test_chinese_headers_mean_the_same(tmp_path: Path) -> None:
    sheet, problems = _read(tmp_path, "小区,楼栋,房号,楼层,门牌\nhe,3,3-1-0101,1,0101\n")
    assert problems.count == 0
    assert sheet.rows[0].values["code"] == "3-1-0101"


def test_other_separators_of_spreadsheets_are_read(tmp_path: Path) -> None:
    sheet, problems = _read(tmp_path, UNITS.replace(",", ";") + "he;3;3-1-0101;1;1;0101;48.5\n")
    assert (problems.count, len(sheet.rows)) == (0, 1)


def test_every_mistake_is_reported_where_it_stands(tmp_path: Path) -> None:
    _, problems = _read(
        tmp_path,
        UNITS
        + "he,3,3-1-0101,1,first,0101,48.5\n"  # not a number
        + "he,3,3-1-0102,1,1,,4800\n"  # no door, an area nobody has
        + "he,3,3-1-0103,1,1\n"  # too short
        + "he,3,3-1-0104,1,1,0104,40\n"
        + "he,3,3-1-0104,1,1,0104,40\n",  # twice
    )
    assert _found(problems) == [
        ("not_whole", 2, "floor", "first"),
        ("required", 3, "door", None),
        ("out_of_range", 3, "area_m2", "4800"),
        ("field_count", 4, None, None),
        ("double_key", 6, "code", "he 3-1-0104"),
    ]
    assert all(p.file == "units.csv" and p.zh and p.en for p in problems.kept)


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [
        ("building,code,floor", "missing_column", "door"),
        ("building,code,floor,door,colour", "unknown_column", "colour"),
        ("building,code,floor,door,房号", "double_column", "code"),
    ],
)
def test_a_doubtful_header_is_refused(tmp_path: Path, header: str, code: str, column: str) -> None:
    sheet, problems = _read(tmp_path, header + "\n3,x,1,1,1\n")
    assert _found(problems) == [(code, 1, column, None)]
    assert sheet.rows == []


def test_an_empty_file_and_a_broken_quote_are_reported(tmp_path: Path) -> None:
    assert _found(_read(tmp_path, "")[1]) == [("empty_file", None, None, None)]
    assert [p.code for p in _read(tmp_path, UNITS + '"he,3\n')[1].kept] == ["unreadable"]


def test_personal_values_are_never_repeated(tmp_path: Path) -> None:
    _, problems = _read(tmp_path, f"code,name\nr-1,{'王' * 201}\n", "residents")
    assert _found(problems) == [("too_long", 2, "name", None)]


def test_what_is_not_kept_is_counted(tmp_path: Path) -> None:
    _, problems = _read(tmp_path, UNITS + "he,3,,1,1,1,\n" * (KEPT + 25))
    assert len(problems.kept) == KEPT
    assert problems.count == KEPT + 25
