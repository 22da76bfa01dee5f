"""housing: see sql/0021_home_facts.sql."""

from storage.migrate import run_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_file("0021_home_facts.sql")
