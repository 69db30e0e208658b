"""Logs hold places and counts: no values of variables, no secrets, no people."""

import json

import pytest

from clarion.kit import logs
from support.processes import Processes

SCRIPT = """
import logging, structlog
from clarion.cli.django_setup import load_django
load_django()
log = structlog.get_logger()

def broken(contact, head):
    return int(contact["name"])

def fail(name):
    contact = {"name": name, "city": "Atlantis"}
    head = b"POST /bot123456:SUPERSECRETTOKEN/getMe HTTP/1.1"
    try:
        broken(contact, head)
    except ValueError:
        log.exception("attempt_failed", delivery=7)
        logging.getLogger("django.request").error("Internal Server Error: %s",
            "/hooks/external/2/bf6yr45q", exc_info=True)

for number in range(345):
    fail(f"Ann{number}")
log.warning("database_away", error='no user "ann@example.org"\\nDETAIL: Key (name)=(Ann)')
logging.getLogger("django.request").warning("Method Not Allowed (GET): %s", "/hooks/external/2/x")
"""


def test_a_fault_is_logged_once_without_values_then_as_a_count(processes: Processes) -> None:
    program = processes.python(SCRIPT)
    assert program.wait() == 0, program.output
    output = program.output
    for hidden in ("Ann", "Atlantis", "SUPERSECRET", "bf6yr45q", "example.org", "contact="):
        assert hidden not in output
    assert output.count("Traceback") == 2  # one of each of the two ways to log
    assert "line 8, in broken" in output
    assert "ValueError: invalid literal for int() with base 10" in output
    assert "times=100" in output
    assert "Internal Server Error: /hooks/external/2/… (100 times)" in output
    assert "Method Not Allowed" not in output
    assert "database_away" in output
    assert len(program.lines) < 60


def test_a_fault_that_comes_back_after_quiet_is_shown_again() -> None:
    now = [0.0]
    faults = logs.Faults(lambda: now[0])
    assert [faults.count(("a",)) for _ in range(3)] == [1, 2, 3]
    assert faults.count(("b",)) == 1
    now[0] = logs.QUIET
    assert faults.count(("a",)) == 4
    now[0] = 2 * logs.QUIET + 1
    assert faults.count(("a",)) == 1


def test_counts_are_shown_at_powers_of_ten() -> None:
    assert [n for n in range(1, 1_001) if logs.is_shown(n)] == [1, 10, 100, 1_000]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/hooks/external/2/bf6yr45q?x=1", "/hooks/external/2/…?x=1"),
        ("/hooks/events/31/secret was", "/hooks/events/31/… was"),
        ("/hooks/2/ was", "/hooks/2/ was"),
        ("/unsubscribe/eyJh.bG.ci", "/unsubscribe/…"),
        ("/preferences/eyJh.bG.ci, /confirm/bf6yr45q", "/preferences/… /confirm/…"),
        ("/c/bf6yr45q?x", "/c/…?x"),
        ("/account/set-password/3-c8k2-0a1b2c/", "/account/set-password/…/"),
        ("b'POST /bot123456:ABC-def_9/getMe'", "b'POST /bot123456:…/getMe'"),
        ("Authorization: Bearer EAAGabcdef", "Authorization: Bearer …"),
        ("POST /hooks/3/?key=kJ8%2Fx-_9&a=1 was", "POST /hooks/3/?key=…&a=1 was"),
        ("/hooks/3/?a=1&signature=0a1b2c", "/hooks/3/?a=1&signature=…"),
        ("/hooks/3/?hub.verify_token=abc&hub.mode=x", "/hooks/3/?hub.verify_token=…&hub.mode=x"),
        ("access_token=abc&x=1", "access_token=…&x=1"),
        ("sort?order=key=name", "sort?order=key=name"),
        ("token=abc, next", "token=…, next"),
        ("postgresql://clarion:pw@db/x", "postgresql://…@db/x"),
        ("To: ann.b@mail.example.org, +49 151 1234567", "To: …@…, +…"),
        ("worker k3-12 stopped at 12:30", "worker k3-12 stopped at 12:30"),
    ],
)
def test_scrub(text: str, shown: str) -> None:
    assert logs.scrub(text) == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("invalid literal for int() with base 10: 'Ann O'Hara'", "invalid literal for int() with"),
        ('relation "contacts_contact" does not exist', 'relation "contacts_contact" does not'),
        ('duplicate key "Ann"\nDETAIL: Key (name)=(Ann)', "duplicate key"),
        ("no chat 491511234567", "no chat …"),
        ("can't be read, won't be", "can't be read, won't be"),
    ],
)
def test_messages_lose_what_they_quote(message: str, shown: str) -> None:
    said = logs.without_values(message)
    assert said.startswith(shown)
    assert "Ann" not in said


def test_causes_are_shown_up_to_a_bound() -> None:
    try:
        try:
            raise KeyError("Ann")
        except KeyError as error:
            raise RuntimeError("no contact") from error
    except RuntimeError as error:
        text = logs.fault_text(error)
    assert text.index("KeyError") < text.index("This caused:") < text.index("RuntimeError")
    assert "Ann" not in text.replace('raise KeyError("Ann")', "")
    assert text.endswith("builtins.RuntimeError: no contact")


def test_a_wrong_host_is_one_line(processes: Processes) -> None:
    program = processes.python(
        "import logging\n"
        "from clarion.cli.django_setup import load_django\n"
        "load_django()\n"
        "for number in range(30):\n"
        "    try:\n"
        "        raise ValueError('evil')\n"
        "    except ValueError:\n"
        "        logging.getLogger('django.security.DisallowedHost').error(\n"
        "            'Invalid HTTP_HOST header: %r.', f'evil{number}', exc_info=True)\n"
    )
    assert program.wait() == 0
    assert len(program.lines) == 2, program.output
    assert program.lines[0].endswith("Invalid HTTP_HOST header: 'evil0'.")
    assert program.lines[1].endswith("(10 times)")


def test_what_strangers_cause_is_not_logged_line_by_line(processes: Processes) -> None:
    program = processes.python(
        "from clarion.cli.django_setup import load_django\n"
        "load_django()\n"
        "from django.test import Client\n"
        "for path in ('/hooks/external/2/bf6yr45q', '/hooks/events/2/bf6yr45q', '/nothing/'):\n"
        "    print(Client(SERVER_NAME='localhost').get(path).status_code)\n"
    )
    assert program.wait() == 0
    assert program.lines == ["405", "405", "302"]


JSON_SCRIPT = """
import logging, structlog
from clarion.cli.django_setup import load_django, log_everything
load_django()
log_everything()
log = structlog.get_logger()
log.info("worker_started", worker=7)
log.warning("database_away", error='no user "ann@example.org"', url="https://x/?token=SUPERSECRET")
try:
    int("Ann")
except ValueError:
    log.exception("attempt_failed", delivery=7)
    logging.getLogger("django.request").error('Error: "%s"', "/unsubscribe/bf6yr45q", exc_info=True)
"""


def test_as_json_each_line_is_an_object_without_secrets(processes: Processes) -> None:
    program = processes.python(JSON_SCRIPT, env={"CLARION_LOG_FORMAT": "json"})
    assert program.wait() == 0, program.output
    lines = [json.loads(line) for line in program.lines]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "error"]
    assert lines[0]["event"] == "worker_started"
    assert lines[0]["worker"] == 7
    assert all(line["timestamp"].startswith("20") for line in lines)
    assert "Traceback" in lines[2]["exception"]
    assert "Traceback" in lines[3]["exception"]
    for hidden in ("Ann", "SUPERSECRET", "bf6yr45q", "example.org"):
        assert hidden not in program.output


@pytest.mark.parametrize("piece", ["a", "token_", "a.", '"a '])
def test_very_long_lines_are_read_in_one_go(piece: str) -> None:
    # A time that grows with the square of the length would be minutes.
    line = piece * (300_000 // len(piece))
    assert logs.scrub(line) == line
    assert logs.without_values(line) == line
