"""housing: see sql/0023_home_facts_said.sql."""

from storage.migrate import run_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_file("0023_home_facts_said.sql")
