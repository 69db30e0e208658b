"""Push services and browsers: what they answer, and what a service worker reports."""

import json
from typing import Any

from channels.fixtures import HTML, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Outgoing, Receipt, Refusal
from clarion.channels.webpush.config import WebPushConfig
from clarion.channels.webpush.kind import WebPushKind
from clarion.channels.webpush.reports import proof
from clarion.transport.messages import HttpRequest, SmtpReply
from clarion_simulator import webpush as simulated
from clarion_simulator.server import Simulator

PRIVATE = "hJ6v0oV7jWj2oQ1yQk1s3mXcT5r8uWnZ4gLbP9dEyKA"
SECRET = "report-secret-of-this-test"
PROFILE_SECRET = "profile-secret-of-this-test"
ENDPOINT = "https://fcm.googleapis.com/fcm/send/c1KrmpTuRm0:APA91bEl"
STORED = "fcm.googleapis.com/R5Rl0009ibyWIi5aQ19k58tNvxRyatQdlCzUCNmykdQ"
BROWSER = simulated.Browser("anna")


def subscription(name: str = "anna", endpoint: str = ENDPOINT) -> dict[str, Any]:
    """As PushSubscription.toJSON() gives it."""
    keys = simulated.subscription("", name)["keys"]
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


def written(stated: dict[str, Any]) -> str:
    """The form in which a subscription is stored and sent to."""
    return f"{stated['endpoint']} {stated['keys']['p256dh']} {stated['keys']['auth']}"


def report(**fields: object) -> HookRequest:
    """What the service worker posts after a message."""
    whole = {"id": "abc-17", "to": STORED, "proof": proof(SECRET, "abc-17", STORED), **fields}
    return HookRequest({}, "", json.dumps(whole).encode(), NOW)


def opened(request: HttpRequest) -> bytes:
    """What the browser decrypts."""
    return json.dumps(BROWSER.read(request.body), ensure_ascii=False).encode("utf-8", "replace")


def _address(simulator: Simulator, name: str) -> str:
    return written(simulated.subscription(simulator.http_url, name))


CASE = Case(
    kind="webpush",
    settings={
        "worker_url": "https://shop.example/clarion-worker.js",
        "subject": "mailto:push@shop.example",
        "site": "https://shop.example/",
        "title": "The shop",
        "private_key": PRIVATE,
        "webhook_secret": SECRET,
        "profile_secret": PROFILE_SECRET,
    },
    secrets=(PRIVATE, SECRET, PROFILE_SECRET),
    message=Outgoing("abc-17", 3, written(subscription()), "Hello Anna"),
    accepted=reply(201, Location="https://fcm.googleapis.com/0:1"),
    user_ids={
        ENDPOINT: STORED,
        written(subscription()): STORED,
        json.dumps(subscription()): STORED,
    },
    bad_user_ids={
        "subscription is": ("anna", "", "https://a b", "{}", f"{ENDPOINT} key"),
        "https://": ("http://push.example/1", "http://127.0.0.2/1"),
        "damaged": (f"{ENDPOINT} AAAA BBBB",),
    },
    id_columns={"name,subscription": "subscription", "Endpoint,name": "Endpoint"},
    replies={
        "created": (reply(201), None),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (reply(500), Refusal.UNKNOWN),
        "503": (reply(503), Refusal.RETRY),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, b"", retry_after="30"), Refusal.THROTTLED),
        "404": (reply(404), Refusal.UNREACHABLE),
        "410": (reply(410), Refusal.UNREACHABLE),
        "413": (reply(413), Refusal.REJECTED),
        "400": (reply(400), Refusal.REJECTED),
        "401": (reply(401), Refusal.REJECTED),
        "403": (reply(403), Refusal.REJECTED),
        "Apple, another key": (reply(400, {"reason": "VapidPkHashMismatch"}), Refusal.REJECTED),
        "Apple, a bad token": (reply(403, {"reason": "BadJwtToken"}), Refusal.MISCONFIGURED),
        "redirect": (reply(307), Refusal.REJECTED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: report(type="shown"),
    told=(Receipt("delivered", NOW, message_id="abc-17"),),
    pressed=lambda: report(type="pressed", button="yes-7", label="Yes, please"),
    forged={
        "another proof": lambda: report(type="shown", proof=proof("other", "abc-17", STORED)),
        "the empty secret": lambda: report(type="shown", proof=proof("", "abc-17", STORED)),
        "of another message": lambda: report(type="shown", id="abc-18"),
        "of another browser": lambda: report(type="shown", to=f"{STORED[:-1]}t"),
        "no proof": lambda: report(type="shown", proof=None),
        "no report": lambda: HookRequest({}, "", b"[]", NOW),
    },
    unknown=(
        b'{"id": "a", "to": "b", "type": "closed"}',
        b'{"id": "a", "to": "b", "type": "pressed", "button": 7}',
    ),
    opened=opened,
    rehearsal=Rehearsal(
        kind="webpush",
        settings=lambda simulator: {
            "worker_url": f"{simulator.http_url}/push/worker.js",
            "subject": "mailto:push@shop.example",
            "site": "https://shop.example/",
            "title": "The shop",
            "private_key": PRIVATE,
            "webhook_secret": SECRET,
            "allow_private": True,
        },
        recipient="anna",
        address=_address,
        person=lambda number: f"browser-{number}",
        faulty="anna!{fault}",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "unknown",
            "400": "unreachable",
            "blocked": "unreachable",
            "deactivated": "unreachable",
            "429": "throttled",
            "html502": "unknown",
            "empty": "accepted",
            "cut": "maybe sent",
            "cut-json": "accepted",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",
        },
        wait=7.0,
        good="service worker is on your website",
        takes_uploads=False,
    ),
)


def make(**changes: Any) -> WebPushKind:
    """The kind with the settings of its Case, or with these instead."""
    return WebPushKind(WebPushConfig.model_validate({**CASE.settings, **changes}))
