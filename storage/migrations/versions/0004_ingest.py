"""ingest: see sql/0004_ingest.sql."""

from storage.migrate import run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_file("0004_ingest.sql")
