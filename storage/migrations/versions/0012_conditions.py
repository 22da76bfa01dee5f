"""devices: see sql/0012_conditions.sql."""

from storage.migrate import run_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_file("0012_conditions.sql")
