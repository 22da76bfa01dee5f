"""Log lines: a sentence for people, then `action=…` and other keys for machines. No personal data."""

import logging
import sys
import time

#: What every record has: the rest was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn repeats the sentence for a terminal
}
#: Libraries that speak at INFO of what nobody needs.
_QUIET = ("alembic", "httpx", "procrastinate", "psycopg.pool")


class Sentence(logging.Formatter):
    """``2026-11-24T08:00:00Z INFO ingest: stored a batch action=batch_stored rows=500``."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%SZ"
    default_msec_format = None

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {process}: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        keys = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        return " ".join([super().formatMessage(record), *(f"{key}={value}" for key, value in keys.items())])


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Log to stderr, as `process`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Sentence(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
