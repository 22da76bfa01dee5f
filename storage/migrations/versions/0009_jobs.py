"""jobs: procrastinate's own schema, as the installed package ships it."""

from procrastinate.schema import SchemaManager

from storage.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql(SchemaManager.get_schema())
