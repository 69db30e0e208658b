"""The settings of a webhook channel."""

import pytest
from pydantic import ValidationError

from clarion.channels.webhook.config import WebhookConfig

URL = "https://receiver.example/messages"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "receiver.example"}, "must begin with https://"),
        ({"url": "ftp://receiver.example"}, "must begin with https://"),
        ({"url": "https://user:pass@receiver.example/"}, "user name or password"),
        ({"url": "https://receiver.example/a b"}, "space"),
        ({"url": "https:///path"}, "host name"),
        ({"url": URL, "secret": "whsec_%%%"}, "must be base64"),
        ({"url": URL, "secret": "whsec_"}, "must be base64"),
        ({"secret": "x"}, "Field required"),
        ({"url": URL, "idempotent": "perhaps"}, "boolean"),
        ({"url": URL, "headers": "x"}, "Extra inputs"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WebhookConfig.model_validate(settings)
