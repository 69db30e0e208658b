"""The settings of a Telegram channel."""

import pytest
from pydantic import ValidationError

from channels.telegram.fixtures import TOKEN, make
from clarion.channels.telegram.config import TelegramConfig


def test_a_webhook_secret_is_made_when_there_is_none() -> None:
    first = TelegramConfig.model_validate({"token": TOKEN})
    second = TelegramConfig.model_validate({"token": TOKEN})
    assert len(first.webhook_secret.get_secret_value()) >= 40
    assert first.webhook_secret != second.webhook_secret


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "abc"}, "BotFather"),
        ({"token": "123456:abc/../x"}, "BotFather"),
        ({"api_root": "api.telegram.org"}, "must begin with https://"),
        ({"api_root": "https://api.telegram.org/?x=1"}, "must not contain"),
        ({"webhook_secret": "with space"}, "letters, digits"),
        ({"webhook_secret": "x" * 257}, "letters, digits"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**settings)
