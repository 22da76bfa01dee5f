"""What lies in the folder: which file is which table, pack or not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anju.importer import pack
from anju.importer.problems import Problems
from anju.importer.tables import BY_NAME

#: The two tables that may be too large for memory, as CSV or Parquet.
SERIES = ("readings", "events")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The files of an import."""

    path: Path
    pack: bool
    #: By table; CSV.
    tables: dict[str, Path] = field(default_factory=dict)
    #: `readings` and `events`.
    series: dict[str, Path] = field(default_factory=dict)


def look(path: Path, problems: Problems) -> Folder:
    """Say which file is which; other CSV and Parquet files are reported."""
    if pack.is_pack(path):
        return Folder(path=path, pack=True, series={name: path / f"{name}.parquet" for name in SERIES})
    known = ", ".join([*(f"{name}.csv" for name in BY_NAME), *(f"{name}.csv/.parquet" for name in SERIES)])
    found = Folder(path=path, pack=False)
    for file in _data_files(path):
        name = file.stem.lower()
        if name in BY_NAME and file.suffix.lower() == ".csv":
            found.tables[name] = file
        elif name in SERIES:
            if name in found.series:
                problems.add("two_forms", file=file.name)
            found.series[name] = file
        else:
            problems.add("unknown_file", file=file.name, known=known)
    if not found.tables and not found.series:
        problems.add("no_files", file=path.name, known=known)
    return found


def _data_files(path: Path) -> Iterator[Path]:
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix.lower() in (".csv", ".parquet") and not file.name.startswith("."):
            yield file
