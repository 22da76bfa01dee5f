"""Connections, migrations, named queries, personal columns, the audit log. Knows no other room."""
