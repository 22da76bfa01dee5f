"""housing: see sql/0002_housing.sql."""

from storage.migrate import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_file("0002_housing.sql")
