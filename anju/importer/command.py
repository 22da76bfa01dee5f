"""`anju import`: what an operator sees of it."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table
from rich.text import Text

from anju import clock, database, terminal
from anju.errors import AnjuError
from anju.importer.problems import Problem
from anju.importer.problems import as_json as problem_as_json
from anju.importer.run import Import, Report
from anju.settings import Settings

Language = Literal["zh", "en"]

#: Problems that a terminal shows; `--json` has more.
SHOWN = 50
_STAGES = {
    "check": {"zh": "检查读数和事件", "en": "checking readings and events"},
    "rows": {"zh": "写入档案", "en": "writing records"},
    "readings": {"zh": "写入读数", "en": "writing readings"},
    "events": {"zh": "写入事件", "en": "writing events"},
}
_WORDS = {
    "title": {"zh": "导入 {folder}", "en": "import of {folder}"},
    "columns": {
        "zh": ("表", "行", "新增", "更改", "未变"),
        "en": ("table", "rows", "new", "changed", "unchanged"),
    },
    "wrong": {
        "zh": "发现 {count} 个问题，没有写入任何内容：",
        "en": "Problems found: {count}; nothing was written:",
    },
    "more": {
        "zh": "……另有 {count} 个；用 --json 查看更多",
        "en": "… and {count} more; --json shows them",
    },
    "notices": {"zh": "请留意：", "en": "Please look at:"},
    "dry": {
        "zh": "检查通过；这是试运行，没有写入。",
        "en": "No problem found. This was a dry run: nothing was written.",
    },
    "done": {"zh": "导入完成：新增 {new} 行。", "en": "Imported: {new} new rows."},
    "pack": {"zh": "识别为回测数据包。", "en": "This is a back-test pack."},
}


class NoFolder(AnjuError):
    """There is no such folder."""


def run(
    settings: Settings, path: Path, *, dry_run: bool, as_json: bool, by: str, language: Language | None
) -> int:
    """Import a folder; answers the exit code: 0, or 1 when something is wrong and nothing was written.

    Raises
    ------
    NoFolder, StackDown, DatabaseAway, SchemaBehind, ImportRefused
        Nothing was written.
    """
    if not path.is_dir():
        raise NoFolder(f"{path}: no such folder")
    spoken = language or spoken_language()
    began = time.monotonic()
    with (
        database.connected(settings, name="import") as connection,
        Bar(spoken, shown=not as_json) as bar,
    ):
        work = Import(connection=connection, path=path, city=settings.city, now=clock.now(), progress=bar)
        sound = work.check()
        if sound and not dry_run:
            work.write(key=settings.key, by=by)
    if as_json:
        seconds = round(time.monotonic() - began, 3)
        print(json.dumps(_as_json(work.report, dry_run=dry_run, seconds=seconds), ensure_ascii=False))
    else:
        _tell(Console(), work.report, spoken, dry_run=dry_run)
    return 0 if sound else 1


def spoken_language() -> Language:
    """Chinese where the terminal's locale is, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Bar:
    """The progress of an import on the terminal."""

    def __init__(self, language: Language, *, shown: bool) -> None:
        self._language: Language = language
        self._task: TaskID | None = None
        self._bar = terminal.bars(shown=shown and sys.stderr.isatty())

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, stage: str, total: int) -> None:
        """Show a new bar."""
        self._task = self._bar.add_task(_STAGES[stage][self._language], total=max(total, 1))

    def advance(self, by: int) -> None:
        """Move the newest bar on."""
        if self._task is not None:
            self._bar.advance(self._task, by)


def _as_json(report: Report, *, dry_run: bool, seconds: float) -> dict[str, Any]:
    problems = report.problems
    return {
        "folder": str(report.folder),
        "pack": report.pack,
        "dry_run": dry_run,
        "written": report.written,
        "problems": {
            "count": problems.count,
            "by_file": dict(problems.by_file),
            "listed": [problem_as_json(problem) for problem in problems.kept],
        },
        "notices": [problem_as_json(notice) for notice in problems.notices],
        "tables": {
            name: {"rows": c.rows, "new": c.new, "changed": c.changed, "unchanged": c.unchanged}
            for name, c in report.tables.items()
        },
        "new": report.new,
        "seconds": seconds,
    }


def _tell(console: Console, report: Report, language: Language, *, dry_run: bool) -> None:
    problems = report.problems
    if report.pack:
        console.print(_WORDS["pack"][language])
    if problems.count:
        console.print(str(_WORDS["wrong"][language]).format(count=problems.count), style="bold")
        for problem in problems.kept[:SHOWN]:
            console.print(_sentence(problem, language), soft_wrap=True)
        if problems.count > SHOWN:
            console.print(str(_WORDS["more"][language]).format(count=problems.count - SHOWN))
    if problems.notices:
        console.print(_WORDS["notices"][language])
        for notice in problems.notices[:SHOWN]:
            console.print(_sentence(notice, language), soft_wrap=True)
    if problems.count:
        return
    table = Table(title=str(_WORDS["title"][language]).format(folder=escape(report.folder.name)))
    for place, heading in enumerate(_WORDS["columns"][language]):
        table.add_column(heading, justify="left" if place == 0 else "right")
    for name, c in report.tables.items():
        told = (c.rows, c.new, c.changed, c.unchanged) if report.written else (c.rows, "", "", "")
        table.add_row(name, *map(str, told))
    console.print(table)
    closing = _WORDS["dry"] if dry_run else _WORDS["done"]
    console.print(str(closing[language]).format(new=report.new))


def _sentence(problem: Problem, language: Language) -> Text:
    """file:line, column, value, what is wrong; in one line that an editor can follow."""
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    said = Text(f"  {place} ")
    if problem.column:
        said.append(f"{problem.column} ", style="bold")
    if problem.value is not None:
        said.append(f"“{problem.value}” ")
    said.append(problem.zh if language == "zh" else problem.en)
    return said
