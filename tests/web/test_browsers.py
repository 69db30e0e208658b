"""What browsers are called."""

import pytest

from clarion.web.browsers import browser_name

SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0 Safari/537.36 Edg/138.0"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/138.0 Safari/537.36", "Chrome on Android"),
        ("curl/8.5", "curl/8.5"),
        ("y" * 200, "y" * 60),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_has_a_name(sent: str, name: str) -> None:
    assert browser_name(sent) == name
