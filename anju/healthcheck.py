"""Whether a lasting process on this machine is at work, for what watches over containers."""

from collections.abc import Callable
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

from anju import stack
from anju.errors import NotHealthy
from anju.settings import Settings
from storage.pool import connect

Process = Literal["ingest", "worker", "api"]
_PATIENCE_S = 5


def check(settings: Settings, process: Process) -> None:
    """Look once.

    Raises
    ------
    NotHealthy, DatabaseAway
        It is not at work, in one line.
    """
    looks: dict[Process, Callable[[Settings, str], None]] = {
        "ingest": _is_connected,
        "worker": _is_connected,
        "api": _answers,
    }
    looks[process](settings, process)


def _is_connected(settings: Settings, process: str) -> None:
    """Such a process holds a session of the database as long as it lives, under its name and from here.

    From here, since another machine may run one as well.
    """
    with connect(stack.database_url(settings), name="healthcheck") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database() AND client_addr IS NOT DISTINCT FROM inet_client_addr()",
            [f"anju {process}"],
        ).fetchone()
    if row is None or not row[0]:
        raise NotHealthy(f"no session of `anju {process}` is open from here")


def _answers(settings: Settings, _: str) -> None:
    url = f"http://127.0.0.1:{settings.http_port}/api/v1/health"
    try:
        with urlopen(url, timeout=_PATIENCE_S) as answer:
            answer.read()
    except (URLError, OSError) as error:
        raise NotHealthy(f"{url} does not answer: {error}") from error
