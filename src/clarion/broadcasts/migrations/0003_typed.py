from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("broadcasts", "0002_life"),
    ]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="typed",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
