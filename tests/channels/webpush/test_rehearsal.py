"""Web Push against the simulator: browsers that show messages and press buttons."""

from channels.fixtures import refusal_of
from channels.rehearsal import Rehearsal, Stage, events_of
from channels.webpush.fixtures import CASE, STORED
from clarion.channels.contract import Inbound, Outgoing, Receipt, Refusal
from clarion.kit.parts import Button
from clarion.transport.messages import HttpRequest
from simulator.client import listening

assert CASE.rehearsal is not None
PUSH: Rehearsal = CASE.rehearsal


async def test_a_browser_reports_that_it_showed_a_message_and_which_button_was_pressed(
    stage: Stage,
) -> None:
    async with listening() as listener:
        await stage.ask("/_/behaviour", {"callback_url": f"{listener.url}/hooks/1/"})
        await stage.send(PUSH, buttons=(Button("reply", "Yes, please", "story:7"),))
        await stage.ask("/_/inbound", {"browser": "anna", "button": "story:7"})
        shown, pressed = events_of(stage.make(PUSH), await listener.heard(2))
    assert isinstance(shown, Receipt)
    assert (shown.status, shown.message_id) == ("delivered", "abc-17")
    assert isinstance(pressed, Inbound)
    assert (pressed.text, pressed.button) == ("Yes, please", "story:7")
    assert pressed.sender.startswith("127.0.0.1:")


async def test_a_push_service_refuses_a_token_that_proves_nothing(stage: Stage) -> None:
    kind = stage.make(PUSH)
    request = kind.request(Outgoing("a", 3, PUSH.address(stage.simulator, "anna"), "Hello"))
    assert isinstance(request, HttpRequest)
    headers = dict(request.headers)
    headers["Authorization"] = headers["Authorization"].replace(", k=B", ", k=A")
    forged = HttpRequest(
        "POST", request.url, tuple(headers.items()), request.body, allow_private=True
    )
    assert refusal_of(kind.outcome(await stage.http.send(forged))) is Refusal.REJECTED


async def test_a_message_for_another_browser_is_refused(stage: Stage) -> None:
    anna, ben = (PUSH.address(stage.simulator, name) for name in ("anna", "ben"))
    to = " ".join([anna.split(" ")[0], *ben.split(" ")[1:]])
    request = stage.make(PUSH).request(Outgoing("a", 3, to, "Hello"))
    assert isinstance(request, HttpRequest)
    reply = await stage.http.send(request)
    assert refusal_of(stage.make(PUSH).outcome(reply)) is Refusal.REJECTED
    assert STORED not in request.url
