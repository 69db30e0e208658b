"""PostgreSQL cleans the big tables after 2 % of changes instead of 20 %.

By default a table of 50,000,000 deliveries would collect 10,000,000 dead rows first. See
docs/decisions/0019-retention.md.
"""

from django.db import migrations

from clarion.kit import db

TABLES = ("records_delivery", "records_record", "records_receipt", "records_tally")
OPTIONS = {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02}
SET = ", ".join(f"{name} = {value}" for name, value in OPTIONS.items())


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [
        migrations.RunPython(
            db.on_postgres(*(f"ALTER TABLE {table} SET ({SET})" for table in TABLES)),
            db.on_postgres(
                *(f"ALTER TABLE {table} RESET ({', '.join(OPTIONS)})" for table in TABLES)
            ),
            elidable=False,
        )
    ]
