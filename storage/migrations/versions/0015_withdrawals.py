"""housing: see sql/0015_withdrawals.sql."""

from storage.migrate import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_file("0015_withdrawals.sql")
