"""ingest: see sql/0017_packs.sql."""

from storage.migrate import run_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_file("0017_packs.sql")
