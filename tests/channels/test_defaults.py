"""Rate, attempts and retry delay: a channel's own, else the workspace's, else its kind's."""

from typing import Any

import pytest

from clarion.channels.defaults import default, set_defaults, usual
from clarion.channels.errors import ChannelError
from clarion.channels.limits import DEFAULT
from clarion.channels.manage import add_channel, update_channel
from clarion.channels.models import Channel, SendingDefaults
from clarion.channels.registry import KINDS
from support import factory

pytestmark = pytest.mark.django_db
NONE: dict[str, Any] = {"rate": None, "attempts": None, "backoff": None}
MAIL = {"host": "127.0.0.1", "port": "9", "security": "none", "sender": "n@x.example"}


def hook(name: str = "hook", **sending: Any) -> Channel:
    settings = {"url": "http://127.0.0.1:9/", "allow_private": "true"}
    return add_channel(name=name, kind="webhook", settings=settings, by=factory.BY, **sending)


def mail() -> Channel:
    return add_channel(name="mail", kind="email", settings=MAIL, by=factory.BY)


def sending_of(channel: Channel) -> tuple[float | None, int, float]:
    channel.refresh_from_db()
    return channel.rate, channel.attempts, channel.backoff


def test_i5_the_usual_values_of_kinds() -> None:
    for kind in KINDS:
        assert usual(kind).attempts == (6 if kind == "line" else 5)
    for kind, backoff in (("webhook", 0.1), ("telegram", 0.1), ("whatsapp", 0.1), ("email", 300.0)):
        assert usual(kind).backoff == backoff
    assert sending_of(hook()) == (None, 5, 0.1)
    assert sending_of(mail()) == (10.0, 5, 300.0)


def test_channels_follow_the_workspace_unless_they_have_their_own() -> None:
    follows, own, letter = hook(), hook("own", rate=7.0, attempts=2, backoff=1.0), mail()

    set_defaults(rate=50.0, attempts=3, backoff=None, by=factory.BY)
    assert sending_of(follows) == (50.0, 3, 0.1)
    assert sending_of(own) == (7.0, 2, 1.0)
    assert sending_of(letter) == (50.0, 3, 300.0)
    assert sending_of(hook("later")) == (50.0, 3, 0.1)

    update_channel(own, rate=DEFAULT, attempts=DEFAULT, by=factory.BY)
    assert sending_of(own) == (50.0, 3, 1.0)

    set_defaults(**NONE, by=factory.BY)
    assert sending_of(follows) == (None, 5, 0.1)
    assert sending_of(own) == (None, 5, 1.0)
    assert sending_of(letter) == (10.0, 5, 300.0)
    assert SendingDefaults.objects.count() == 1


def test_the_same_value_of_its_own_stays_when_the_workspace_changes() -> None:
    channel = hook(attempts=5)
    set_defaults(**NONE | {"attempts": 9}, by=factory.BY)
    assert sending_of(channel) == (None, 5, 0.1)
    unlimited = hook("unlimited", rate=None)
    set_defaults(**NONE | {"rate": 1.0}, by=factory.BY)
    assert sending_of(unlimited)[0] is None


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"attempts": 0}, {"backoff": -1.0}])
def test_what_is_no_default_changes_nothing(wrong: dict[str, Any]) -> None:
    channel = hook()
    with pytest.raises(ChannelError):
        set_defaults(**NONE | {"attempts": 4} | wrong, by=factory.BY)
    assert sending_of(channel) == (None, 5, 0.1)
    assert default("webhook").attempts == 5
