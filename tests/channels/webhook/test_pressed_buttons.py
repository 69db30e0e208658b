"""What callbacks report of pressed buttons."""

from typing import Any

import pytest

from channels.fixtures import NOW
from channels.webhook.fixtures import CASE, signed
from clarion.channels.contract import Inbound, OptOut


def pressed(**data: Any) -> list[Any]:
    event = {"type": "message.received", "data": {"id": "9", "from": "anna", **data}}
    return list(CASE.make().events(signed(event)))


def test_g4_a_pressed_button() -> None:
    assert pressed(text="Yes, please", button="yes-7") == [
        Inbound("anna", "9", "Yes, please", NOW, button="yes-7")
    ]


@pytest.mark.parametrize("button", [None, "", 7, [], {"a": 1}])
def test_what_is_no_button_is_none(button: object) -> None:
    (event,) = pressed(text="Hi", button=button)
    assert event.button == ""


def test_the_value_of_a_button_opts_out_its_label_does_not() -> None:
    assert pressed(text="Leave", button="STOP")[1:] == [OptOut("anna", "opted_out", NOW)]
    assert pressed(text="Stop", button="story:7")[1:] == []
