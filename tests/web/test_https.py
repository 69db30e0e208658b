"""With an https public URL, browsers are told to stay with it."""

import json

import pytest

from support.processes import Processes

SCRIPT = """
import json
from clarion.cli.django_setup import load_django
load_django()
from django.test import Client
from django.conf import settings
page = Client(SERVER_NAME="news.example.org").get("/account/login/", secure=SECURE)
print(json.dumps({
    "hsts": page.headers.get("Strict-Transport-Security"),
    "secure": page.cookies["csrftoken"]["secure"] or False,
    "status": page.status_code,
}))
"""


@pytest.mark.parametrize(
    ("url", "env", "secure", "seen"),
    [
        ("https", {}, True, {"hsts": "max-age=31536000", "secure": True}),
        ("https", {}, False, {"hsts": None, "secure": True}),
        ("https", {"CLARION_HSTS_SECONDS": "60"}, True, {"hsts": "max-age=60", "secure": True}),
        ("https", {"CLARION_HSTS_SECONDS": "0"}, True, {"hsts": None, "secure": True}),
        ("http", {}, True, {"hsts": None, "secure": False}),
    ],
)
def test_headers_and_cookies(
    processes: Processes, url: str, env: dict[str, str], secure: bool, seen: dict[str, object]
) -> None:
    settings = {"CLARION_PUBLIC_URL": f"{url}://news.example.org", **env}
    program = processes.python(SCRIPT.replace("SECURE", str(secure)), env=settings)
    assert program.wait() == 0, program.output
    assert json.loads(program.lines[-1]) == {"status": 200, **seen}
