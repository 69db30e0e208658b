"""What is special about Web Push: what leaves, what is refused, the website's scripts."""

import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from channels.fixtures import NOW, refusal_of, reply
from channels.webpush.fixtures import (
    BROWSER,
    CASE,
    ENDPOINT,
    PROFILE_SECRET,
    SECRET,
    STORED,
    make,
    report,
    subscription,
)
from clarion.channels.contract import BadIdError, Inbound, OptOut, Refusal, Refused, Unsendable
from clarion.channels.subscriptions import Places, Subscription, SubscriptionRefused
from clarion.channels.webpush.keys import encoded
from clarion.channels.webpush.kind import WebPushKind
from clarion.channels.webpush.reports import proof
from clarion.kit.parts import Button, Media

PLACES = Places("https://clarion.example/hooks/3/", "https://clarion.example/subscribe/3/")
LOOK = Button("link", "Look", "https://shop.example/look")


def read(kind: WebPushKind, **changes: Any) -> dict[str, Any]:
    return BROWSER.read(kind.request(replace(CASE.message, **changes)).body)


def test_the_headers_are_those_of_the_rfcs() -> None:
    request = make(ttl=60, urgency="high", topic="news").request(CASE.message)
    headers = dict(request.headers)
    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert headers.pop("Authorization").startswith("vapid t=")
    assert headers == {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": "60",
        "Urgency": "high",
        "Topic": "news",
    }
    assert "Topic" not in dict(make().request(CASE.message).headers)


def test_the_browser_reads_the_message() -> None:
    assert read(make(), title="Spring", language="de") == {
        "id": "abc-17",
        "title": "Spring",
        "body": "Hello Anna",
        "url": "https://shop.example/",
        "lang": "de",
        "to": STORED,
        "proof": proof(SECRET, "abc-17", STORED),
    }


def test_a_message_without_a_title_has_the_usual_one_and_the_icon() -> None:
    message = read(make(icon="https://shop.example/icon.png"))
    assert (message["title"], message["icon"]) == ("The shop", "https://shop.example/icon.png")


def test_a_click_opens_the_first_link() -> None:
    yes = Button("reply", "Yes", "")
    message = read(make(), buttons=(yes, LOOK), media=Media("image", "https://x.example/a.png"))
    assert message["url"] == "https://shop.example/look"
    assert message["image"] == "https://x.example/a.png"
    assert message["buttons"][0] == {"kind": "reply", "label": "Yes", "value": "Yes"}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"text": "😀" * 800}, "larger than the 3,000 bytes"),
        ({"media": Media("image", data=b"x")}, "public URL"),
        ({"to": STORED}, "subscribe again"),
        ({"to": f"{ENDPOINT} AAAA BBBB"}, "damaged"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        make().request(replace(CASE.message, **parts))


def test_an_endpoint_without_keys_can_be_looked_up_but_not_sent_to() -> None:
    assert WebPushKind.user_id(ENDPOINT) == STORED
    with pytest.raises(BadIdError, match="keys"):
        WebPushKind.written_id(ENDPOINT)


def test_one_subscription_waits_after_a_429() -> None:
    outcome = make().outcome(reply(429, b"", retry_after="30"))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == 30.0
    assert make().limits_chat(STORED)


def test_stop_on_a_button_opts_out() -> None:
    hook = report(type="pressed", button="STOP", label="No more")
    assert [type(event) for event in make().events(hook)] == [Inbound, OptOut]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": "push@shop.example"}, "mailto:"),
        ({"topic": "a b"}, "32 letters"),
        ({"private_key": "short"}, "32 bytes"),
        ({"worker_url": "shop.example"}, "https://"),
        ({"profile_secret": "short"}, "16 characters"),
        ({"services": "https://push.example"}, "host names"),
        ({"ttl": 2_419_201}, "2419200"),
    ],
)
def test_settings_are_checked(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**changes)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(404), "answered 404"),
        (reply(200, b"self.x = 1", content_type="text/javascript"), "Add the line"),
        (reply(200, b'importScripts("x")', content_type="text/plain"), "Content-Type"),
    ],
)
def test_a_check_says_what_is_missing_on_the_website(answer: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make().checked(answer)
    good = reply(200, b'importScripts("x")', content_type="application/javascript")
    assert "on your website" in make().checked(good)


@pytest.mark.parametrize("name", ["worker.js", "subscribe.js"])
def test_the_scripts_know_their_channel_and_no_secret(name: str) -> None:
    file = make().public_file(name, PLACES)
    assert file is not None
    head, _, rest = file.content.decode().partition(";\n")
    settings = json.loads(head.removeprefix("const CLARION = "))
    assert settings["hook"] == PLACES.hook
    assert len(settings["key"]) == 87
    assert rest
    assert not any(secret in file.content.decode() for secret in CASE.secrets)
    assert make().public_file("../kind.py", PLACES) is None


def test_the_snippets_name_the_files() -> None:
    codes = [snippet.code for snippet in make().snippets(PLACES)]
    assert codes[0] == 'importScripts("https://clarion.example/subscribe/3/worker.js");'
    assert "https://clarion.example/subscribe/3/subscribe.js" in codes[1]


def token(claims: dict[str, Any], secret: str = PROFILE_SECRET, alg: str = "HS256") -> str:
    """A JWT as any library makes it (RFC 7515, appendix A.1)."""
    head = encoded(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    payload = encoded(json.dumps(claims).encode())
    mac = hmac.digest(secret.encode(), f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{encoded(mac)}"


def posted(**fields: Any) -> bytes:
    return json.dumps({"type": "subscribe", "subscription": subscription(), **fields}).encode()


SOON = NOW.timestamp() + 60


def test_a_subscription_without_a_profile_has_no_details() -> None:
    body = posted(name="Mallory", attributes={"vip": True}, tags=["vip"])
    wanted = make(consent="News").subscription(body, NOW)
    assert wanted == Subscription(CASE.message.to, is_wanted=True, consent="News")


def test_a_signed_profile_says_who_it_is() -> None:
    claims = {"exp": SOON, "name": "Anna", "attributes": {"city": "Graz"}, "tags": ["vip"]}
    wanted = make().subscription(posted(profile=token(claims)), NOW)
    assert (wanted.name, wanted.attributes, wanted.tags) == ("Anna", {"city": "Graz"}, ("vip",))


def test_null_in_a_profile_is_no_value() -> None:
    claims = {"exp": SOON, "name": None, "attributes": {"size": None, "city": "Graz", "vip": False}}
    wanted = make().subscription(posted(profile=token(claims)), NOW)
    assert (wanted.name, wanted.attributes) == ("", {"size": "", "city": "Graz", "vip": False})


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (token({"exp": SOON}, "another-secret-of-this"), "signed"),
        (token({"exp": SOON}, alg="none"), "signed"),
        ("a.b.c", "signed"),
        (token({"exp": SOON - 61}), "expired"),
        (token({"name": "Anna"}), "exp"),
        (token({"exp": SOON, "tags": "vip"}), "list"),
        (token({"exp": SOON, "tags": ["x"] * 51}), "at most 50"),
    ],
)
def test_a_profile_that_is_not_ours_is_refused(profile: str, words: str) -> None:
    with pytest.raises(SubscriptionRefused, match=words):
        make().subscription(posted(profile=profile), NOW)


def test_without_a_secret_no_profile_is_believed() -> None:
    with pytest.raises(SubscriptionRefused, match="no profile secret"):
        make(profile_secret="").subscription(posted(profile=token({"exp": SOON}, "")), NOW)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("https://evil.example/x", "not one of the push services"),
        ("https://fcm.googleapis.com.evil.example/x", "not one of the push services"),
        ("http://127.0.0.1/x", "https://"),
        ("https://127.0.0.1/x", "not one of the push services"),
        ("javascript:alert(1)", "subscription is"),
    ],
)
def test_a_subscription_to_anything_but_a_push_service_is_refused(
    endpoint: str, words: str
) -> None:
    with pytest.raises(SubscriptionRefused, match=words):
        make().subscription(posted(subscription=subscription(endpoint=endpoint)), NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", posted(subscription="x"), b"\xff"])
def test_what_is_no_subscription_is_refused(body: bytes) -> None:
    with pytest.raises(SubscriptionRefused, match=r"\.$"):
        make().subscription(body, NOW)


def test_a_subscription_of_another_key_does_not_pause_the_channel() -> None:
    outcome = make().outcome(reply(403))
    assert refusal_of(outcome) is Refusal.REJECTED
    assert isinstance(outcome, Refused)
    assert "must subscribe again" in outcome.reason
