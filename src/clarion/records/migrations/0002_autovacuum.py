"""PostgreSQL cleans the big tables after 2 % of changes instead of 20 %.

By default a table of 50,000,000 deliveries would collect 10,000,000 dead rows first. See
docs/decisions/0019-retention.md.
"""

from django.db import migrations

TABLES = ("records_delivery", "records_record", "records_receipt", "records_tally")
OPTIONS = {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02}


def _set(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        options = ", ".join(f"{name} = {value}" for name, value in OPTIONS.items())
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} SET ({options})")


def _reset(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} RESET ({', '.join(OPTIONS)})")


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [migrations.RunPython(_set, _reset, elidable=False)]
