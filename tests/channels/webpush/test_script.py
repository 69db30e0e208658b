"""The script of the website, in a real browser whose push service is a pretended one."""

import json
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route

from channels.webpush.fixtures import CASE, make, subscription
from clarion.channels.subscriptions import Places

SHOP = "https://shop.example/deep/page"
PLACES = Places("https://shop.example/hooks/3/", "https://shop.example/subscribe/3/")
# Stands in for the browser's own: no worker covers the page, so that “ready” never resolves.
PRETENDED = """([worker, old, made]) => {
    window.PushManager = window.PushManager || class {};
    const registration = new EventTarget();
    let kept = old && { unsubscribe: async () => { kept = null; } };
    registration.pushManager = {
        getSubscription: async () => kept,
        subscribe: async ({ applicationServerKey }) => {
            if (!registration.active) throw new DOMException("no active worker", "AbortError");
            if (kept) throw new DOMException("another key", "InvalidStateError");
            kept = { toJSON: () => made };
            return kept;
        },
    };
    const installing = new EventTarget();
    installing.state = "installing";
    registration.installing = installing;
    Object.defineProperty(navigator, "serviceWorker", { value: {
        ready: new Promise(() => {}),
        register: async () => {
            queueMicrotask(() => {
                installing.state = worker;
                registration.active = worker === "redundant" ? null : installing;
                installing.dispatchEvent(new Event("statechange"));
            });
            return registration;
        },
    } });
}"""


def subscribe(page: Page, worker: str, *, has_old: bool) -> list[dict[str, Any]]:
    """Subscribe on a page of the shop; what was posted to Clarion."""
    script = make().public_file("subscribe.js", PLACES)
    assert script is not None
    bodies: list[dict[str, Any]] = []

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            bodies.append(json.loads(route.request.post_data or ""))
            route.fulfill(status=204)
        else:
            route.fulfill(body="<title>Shop</title>", content_type="text/html")

    page.route("https://shop.example/**", answer)
    page.goto(SHOP)
    page.evaluate(PRETENDED, [worker, has_old, subscription()])
    page.add_script_tag(content=script.content.decode())
    page.evaluate("clarionPush.subscribe({ profile: 'a.b.c' })")
    return bodies


@pytest.mark.parametrize("has_old", [False, True])
def test_a_visitor_subscribes_whatever_the_browser_has_already(page: Page, has_old: bool) -> None:
    (body,) = subscribe(page, "activating", has_old=has_old)
    assert body == {"type": "subscribe", "subscription": subscription(), "profile": "a.b.c"}


def test_a_worker_that_does_not_start_is_an_error(page: Page) -> None:
    worker = str(CASE.settings["worker_url"])
    with pytest.raises(Error, match=f"{worker} does not start"):
        subscribe(page, "redundant", has_old=False)
