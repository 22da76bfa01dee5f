"""One connection pool a process."""

from collections.abc import Callable

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from storage.errors import DatabaseAway, SchemaBehind

Connection = psycopg.Connection[TupleRow]
Pool = ConnectionPool[Connection]


def open_pool(dsn: str, *, name: str, size: int = 4, wait_s: float = 30.0) -> Pool:
    """Open a pool and wait until the database answers.

    Parameters
    ----------
    dsn : str
        ``postgresql://…``
    name : str
        Shown as ``application_name``: the process.
    size : int
        Connections at most.
    wait_s : float
        How long to wait for the first connection.

    Returns
    -------
    Pool
        Its connections run in UTC; each ``with pool.connection()`` is one transaction.

    Raises
    ------
    DatabaseAway
        No connection within `wait_s`.
    """
    pool: Pool = ConnectionPool(
        dsn,
        min_size=1,
        max_size=size,
        open=False,
        name=name,
        configure=_configured_as(name),
        # a server that was restarted costs nobody an error
        check=ConnectionPool.check_connection,
    )
    try:
        pool.open(wait=True, timeout=wait_s)
    except PoolTimeout as error:
        pool.close()
        raise DatabaseAway(f"the database did not answer within {wait_s:.0f} s") from error
    return pool


def connect(dsn: str, *, name: str, autocommit: bool = False) -> Connection:
    """Open one connection of a process that needs just one.

    Raises
    ------
    DatabaseAway
        The server refuses or does not answer.
    """
    try:
        connection = psycopg.connect(dsn, autocommit=autocommit, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).strip()) from error
    _configured_as(name)(connection)
    return connection


def require_schema(connection: Connection, head: str) -> None:
    """Refuse to work on a schema that is not this version's.

    Raises
    ------
    SchemaBehind
        The schema's revision is not `head`.
    """
    found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        raise SchemaBehind
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or row[0] != head:
        raise SchemaBehind


def _configured_as(name: str) -> Callable[[Connection], None]:
    def configure(connection: Connection) -> None:
        autocommit = connection.autocommit
        connection.autocommit = True
        connection.execute("SELECT set_config('TimeZone', 'UTC', false)")
        connection.execute("SELECT set_config('application_name', %s, false)", [f"anju {name}"])
        connection.autocommit = autocommit

    return configure
