"""Every field of a broadcast is copied, or is not, on purpose."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models

from clarion.broadcasts.fields import FIELDS, To, create_copy
from clarion.broadcasts.models import Broadcast
from clarion.codes import pools
from clarion.content import stories
from support import factory

KINDS = (To.DUPLICATE, To.RUN, To.RESTART)


def every_field() -> "dict[str, models.Field[Any, Any]]":
    """The fields of the model by name, those of many rows included."""
    return {f.name: f for f in [*Broadcast._meta.fields, *Broadcast._meta.many_to_many]}


def test_every_field_of_the_model_is_in_the_table() -> None:
    assert set(FIELDS) == set(every_field())


def filled_in() -> tuple[Broadcast, dict[str, Any]]:
    """A broadcast of which no field has its default, and the values."""
    story = stories.create_story(name="A", blocks=[{"kind": "text", "text": "Hi"}], by=factory.BY)
    agent, other = factory.agent(), factory.agent(name="Bea")
    values: dict[str, Any] = {
        "type": "external", "state": "paused", "data_type": "story",
        "story": story, "story_version": stories.newest(story), "agent": agent, "edited_by": other,
        "drafted_by": other,
        "parent": Broadcast.objects.create(), "restart_of": Broadcast.objects.create(),
        "edit_of": Broadcast.objects.create(),
        "code_pool": pools.create(pools.Rules(name="A"), by=factory.BY),
        "time_zone": "Europe/Berlin",
    }  # fmt: skip
    samples: dict[type[models.Field[Any, Any]], Any] = {
        models.CharField: "text", models.TextField: "text", models.JSONField: {"a": 1},
        models.BooleanField: True, models.FloatField: 2.5, models.IntegerField: 7,
    }  # fmt: skip
    for name, field in every_field().items():
        if name in values or field.many_to_many or field.primary_key:
            continue
        sample = next((value for kind, value in samples.items() if isinstance(field, kind)), None)
        values[name] = datetime(2030, 1, 1, tzinfo=UTC) if sample is None else sample
    broadcast = Broadcast.objects.create(**values)
    broadcast.channels.set([factory.channel()])
    broadcast.refresh_from_db()
    return broadcast, values


@pytest.mark.django_db
@pytest.mark.parametrize("to", KINDS)
def test_a_copy_has_the_fields_that_the_table_names_and_no_others(to: To) -> None:
    source, values = filled_in()

    copy = create_copy(source, to)

    copy.refresh_from_db()
    for name, field in every_field().items():
        if field.many_to_many:
            same = list(getattr(copy, name).all()) == list(getattr(source, name).all())
        else:
            same = getattr(copy, name) == getattr(source, name)
        assert same is (to in FIELDS[name]), name
    assert set(values) | {"id", "channels"} == set(FIELDS)


@pytest.mark.django_db
def test_a_copy_has_fields_of_its_own() -> None:
    source, _ = filled_in()
    copy = create_copy(source, To.RUN, text="Other", state="scheduled")
    assert (copy.text, copy.state, copy.title) == ("Other", "scheduled", source.title)
