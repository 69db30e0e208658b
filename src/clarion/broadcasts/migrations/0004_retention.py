from django.conf import settings
from django.db import migrations, models

import clarion.kit.fields


class Migration(migrations.Migration):
    dependencies = [
        ("broadcasts", "0003_typed"),
        ("channels", "0001_initial"),
        ("content", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="deleted_at",
            field=clarion.kit.fields.InstantField(null=True),
        ),
        migrations.AddIndex(
            model_name="broadcast",
            index=models.Index(fields=["type", "finished_at"], name="broadcast_finished"),
        ),
        migrations.AddIndex(
            model_name="broadcast",
            index=models.Index(
                fields=["type", "state", "deleted_at", "id"], name="broadcast_listed"
            ),
        ),
        migrations.AddIndex(
            model_name="broadcast",
            index=models.Index(
                condition=models.Q(("agent__isnull", True), ("type", "single")),
                fields=["finished_at"],
                name="broadcast_single_over",
            ),
        ),
        migrations.AddIndex(
            model_name="broadcast",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)),
                fields=["deleted_at"],
                name="broadcast_deleted",
            ),
        ),
    ]
