from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
from psycopg import sql

from storage.migrate import head, migrate


def test_two_processes_that_migrate_an_empty_database_at_once_both_succeed(server_dsn: str) -> None:
    name = f"anju_race_{uuid4().hex[:8]}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
        try:
            with ThreadPoolExecutor(2) as threads:
                reached = list(threads.map(migrate, [dsn, dsn]))
            assert reached == [head(), head()]
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
