"""devices: see sql/0018_connections.sql."""

from storage.migrate import run_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_file("0018_connections.sql")
