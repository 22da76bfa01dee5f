"""usage: see sql/0005_usage.sql."""

from storage.migrate import run_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_file("0005_usage.sql")
