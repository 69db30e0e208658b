"""How PostgreSQL stores the big tables.

It cleans them after 2 % of changes instead of 20 %: by default a table of 50,000,000 deliveries would
collect 10,000,000 dead rows first (docs/decisions/0019-retention.md). And it leaves half of a page of
deliveries free, so that a claim finds room beside the row and touches no index
(docs/decisions/0038-less-work-per-message.md).
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
            db.on_postgres(
                *(f"ALTER TABLE {table} SET ({SET})" for table in TABLES),
                "ALTER TABLE records_delivery SET (fillfactor = 50)",
            ),
            db.on_postgres(
                *(f"ALTER TABLE {table} RESET ({', '.join(OPTIONS)})" for table in TABLES),
                "ALTER TABLE records_delivery RESET (fillfactor)",
            ),
            elidable=False,
        )
    ]
