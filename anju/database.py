"""The configured database, as a command uses it."""

from collections.abc import Iterator
from contextlib import contextmanager

from anju import stack
from anju.settings import Settings
from storage.migrate import head
from storage.pool import Connection, connect, require_schema


@contextmanager
def connected(settings: Settings, *, name: str) -> Iterator[Connection]:
    """A connection to a database of this version's schema; what is not committed before is at the end.

    Parameters
    ----------
    name : str
        The command, as the server shows it.

    Raises
    ------
    StackDown, DatabaseAway, SchemaBehind
    """
    with connect(stack.database_url(settings), name=name) as connection:
        require_schema(connection, head())
        yield connection
