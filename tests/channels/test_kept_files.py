"""The ids under which providers keep files."""

from datetime import timedelta

import pytest

from clarion.channels import kept_files, manage
from clarion.channels.models import KeptFile
from clarion.kit import clock
from clarion.kit.parts import Media
from support import factory

pytestmark = pytest.mark.django_db
KEY = "k" * 64


def test_the_newest_id_of_a_file_is_noted_for_each_channel() -> None:
    channel, other = factory.channel(), factory.channel("other")
    kept_files.keep(channel.pk, KEY, "first")
    kept_files.keep(channel.pk, KEY, "second")
    assert kept_files.kept_id(channel.pk, KEY) == "second"
    assert kept_files.kept_id(other.pk, KEY) == ""


def test_other_settings_are_perhaps_of_another_account() -> None:
    channel, other = factory.channel(kind="telegram", token="123456:a"), factory.channel("other")
    kept_files.keep(channel.pk, KEY, "first")
    kept_files.keep(other.pk, KEY, "first")
    manage.update_channel(channel, rate=7.0, by=factory.BY)
    assert kept_files.kept_id(channel.pk, KEY) == "first"
    manage.update_channel(channel, settings={"token": "123456:b"}, by=factory.BY)
    assert kept_files.kept_id(channel.pk, KEY) == ""
    assert kept_files.kept_id(other.pk, KEY) == "first"


def test_an_id_that_is_unknown_is_dropped_unless_there_is_a_newer_one() -> None:
    channel = factory.channel()
    kept_files.keep(channel.pk, KEY, "second")
    kept_files.drop(channel.pk, KEY, "first")
    assert kept_files.kept_id(channel.pk, KEY) == "second"
    kept_files.drop(channel.pk, KEY, "second")
    assert kept_files.kept_id(channel.pk, KEY) == ""


def test_an_id_is_used_for_30_days() -> None:
    channel = factory.channel()
    kept_files.keep(channel.pk, KEY, "first")
    KeptFile.objects.update(noted_at=clock.now() - timedelta(days=30))
    assert kept_files.kept_id(channel.pk, KEY) == ""
    kept_files.keep(channel.pk, KEY, "again")
    kept_files.delete_old()
    assert kept_files.kept_id(channel.pk, KEY) == "again"


def test_what_people_see_of_a_file_makes_it_another_one() -> None:
    media = Media("file", "", "list.pdf", "application/pdf", b"%PDF", sha256="s" * 64)
    others = [
        Media("file", "", "prices.pdf", "application/pdf", b"%PDF", sha256="s" * 64),
        Media("file", "", "list.pdf", "text/plain", b"%PDF", sha256="s" * 64),
        Media("image", "", "list.pdf", "application/pdf", b"%PDF", sha256="s" * 64),
        Media("file", "", "list.pdf", "application/pdf", b"%PDF", sha256="t" * 64),
    ]
    assert len({kept_files.key_of(each) for each in [media, *others]}) == 5
