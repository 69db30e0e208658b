"""What was dropped of callbacks, as people see it."""

import json

import pytest

from clarion.engine.dropped import HIDDEN, MOST, readable


def test_secrets_are_hidden_wherever_they_stand() -> None:
    body = {
        "token": "abc", "nested": [{"X-Api-Key": "k-1", "text": "say whsec_42 loud"}],
        "signature": {"kept": "structure"}, "password": 7,
    }  # fmt: skip

    shown = readable(json.dumps(body).encode(), ["whsec_42"])

    assert json.loads(shown) == {
        "token": HIDDEN, "nested": [{"X-Api-Key": HIDDEN, "text": f"say {HIDDEN} loud"}],
        "signature": {"kept": "structure"}, "password": HIDDEN,
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"no json", b"[" * 100_000, b"\xff\x00\x1b[31m", b""])
def test_whatever_came_can_be_shown(body: bytes) -> None:
    shown = readable(body, [])
    assert len(shown) <= MOST + 1
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
