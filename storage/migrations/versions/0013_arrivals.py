"""ingest: see sql/0013_arrivals.sql."""

from storage.migrate import run_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_file("0013_arrivals.sql")
