"""Bring a database to this version's schema: Alembic, hand-written SQL, forward only."""

from importlib import resources
from pathlib import Path

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

from storage.pool import connect

#: Two processes that migrate at once: the second waits.
_LOCK = 7_309_004_711


def head() -> str:
    """The revision this version needs."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise RuntimeError("no migrations in the package")
    return found


def migrate(dsn: str, *, to: str | None = None) -> str:
    """Migrate; safe to repeat and to run from several processes.

    Parameters
    ----------
    dsn : str
        ``postgresql://…`` of a role that may create tables and the extension btree_gist.
    to : str, optional
        A revision; None: what this version needs.

    Returns
    -------
    str
        The revision reached.

    Raises
    ------
    DatabaseAway
        The server cannot be reached.
    """
    with connect(dsn, name="migrate", autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=pool.NullPool
        )
        config = _config()
        config.attributes["engine"] = engine
        command.upgrade(config, to or "head")
        guard.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return to or head()


def run_file(file: str) -> None:
    """Run the SQL of one revision, e.g. ``0001_storage.sql``, inside that revision's transaction."""
    run_sql(resources.files("storage").joinpath("migrations", "sql", file).read_text(encoding="utf-8"))


def run_sql(script: str) -> None:
    """Run a script as it stands: the driver's own connection takes no `%` for a placeholder."""
    driver = op.get_bind().connection.driver_connection
    driver.execute(script)  # pyright: ignore[reportOptionalMemberAccess]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
