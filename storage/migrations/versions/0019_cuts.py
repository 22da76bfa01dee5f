"""devices: see sql/0019_cuts.sql."""

from storage.migrate import run_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_file("0019_cuts.sql")
