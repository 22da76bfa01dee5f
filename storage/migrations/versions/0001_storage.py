"""storage: see sql/0001_storage.sql."""

from storage.migrate import run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_file("0001_storage.sql")
