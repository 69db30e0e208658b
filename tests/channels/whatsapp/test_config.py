"""The settings of a WhatsApp channel."""

import pytest
from pydantic import ValidationError

from channels.whatsapp.fixtures import make
from clarion.channels.whatsapp.config import WhatsAppConfig


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"phone_number_id": "+1 555"}, "digits only"),
        ({"phone_number_id": "1/../2"}, "digits only"),
        ({"token": "with space"}, "no spaces"),
        ({"token": "x\r\nHost: y"}, "no spaces"),
        ({"token": ""}, "no spaces"),
        ({"api_root": "graph.facebook.com"}, "must begin with https://"),
        ({"api_root": "https://graph.facebook.com/?x=1"}, "must not contain"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**settings)


def test_a_verify_token_is_made_when_there_is_none() -> None:
    fields = {"phone_number_id": "1", "token": "t"}
    first, second = (WhatsAppConfig.model_validate(fields).verify_token for _ in range(2))
    assert len(first.get_secret_value()) >= 40
    assert first != second
