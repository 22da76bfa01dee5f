"""devices: see sql/0020_swap_readings.sql."""

from storage.migrate import run_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_file("0020_swap_readings.sql")
