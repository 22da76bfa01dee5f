"""alerts: see sql/0014_alerts.sql."""

from storage.migrate import run_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_file("0014_alerts.sql")
