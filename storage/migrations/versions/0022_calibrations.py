"""housing and anomaly: see sql/0022_calibrations.sql."""

from storage.migrate import run_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_file("0022_calibrations.sql")
