"""What time it is, for every process. In test mode a file holds the clock."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

_log = logging.getLogger(__name__)

VARIABLE = "ANJU_NOW_FILE"


class _Held:
    """What the file said last: a writer may be in the middle of the next line."""

    announced = False
    last: datetime | None = None


def now() -> datetime:
    """The present, aware, in UTC.

    With ANJU_NOW_FILE set it is what that file says at this moment; an unreadable file keeps the time
    that it last said.

    Raises
    ------
    ValueError
        The file never said a time.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return datetime.now(UTC)
    try:
        _Held.last = read(Path(file))
    except ValueError:
        if _Held.last is None:
            raise
    if not _Held.announced:
        _Held.announced = True
        _log.warning(
            "the test clock is on: %s says %s", file, _Held.last.isoformat(), extra={"action": "test_clock"}
        )
    return _Held.last


def read(file: Path) -> datetime:
    """Read one line of ISO time in UTC, e.g. ``2026-11-24T08:00:00Z``.

    Raises
    ------
    ValueError
        No such file, no time, no zone or another zone than UTC.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
        said = datetime.fromisoformat(text)
    except OSError as error:
        raise ValueError(f"cannot be read: {file}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"does not hold one line like 2026-11-24T08:00:00Z: {file}") from error
    if said.utcoffset() is None or said.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"holds a time that is not in UTC (…Z): {file}")
    return said.astimezone(UTC)
