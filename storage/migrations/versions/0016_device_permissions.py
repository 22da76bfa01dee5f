"""api: see sql/0016_device_permissions.sql."""

from storage.migrate import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_file("0016_device_permissions.sql")
