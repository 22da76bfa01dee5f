"""devices: see sql/0011_commands.sql."""

from storage.migrate import run_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_file("0011_commands.sql")
