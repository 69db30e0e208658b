"""Templates that providers list."""

from api.conftest import Program
from api.test_foundation import problem
from clarion.channels.models import Channel, MessageTemplate
from support import factory


def test_templates_are_listed_and_their_list_is_ordered(call: Program, channel: Channel) -> None:
    shop = factory.channel(
        "shop", "whatsapp", phone_number_id="1", token="EAA", app_secret="s", waba_id="102"
    )
    for name in ("spring", "summer"):
        MessageTemplate.objects.create(
            channel=shop, name=name, language="en", status="approved",
            components=[{"type": "BODY", "text": "Hi"}],
        )  # fmt: skip
    first = call.ok("GET", "/templates?limit=1")
    second = call.ok("GET", f"/templates?limit=1&cursor={first['next']}")
    names = {page["items"][0]["name"] for page in (first, second)}
    assert (names, second["next"]) == ({"spring", "summer"}, None)
    assert first["items"][0]["components"] == [{"type": "BODY", "text": "Hi"}]
    assert call.ok("GET", f"/templates?channel_id={channel.pk}")["items"] == []

    order = call.ok("POST", f"/channels/{shop.pk}/templates/refresh", status=202)
    assert order["asked_at"] is not None
    refused = call("POST", f"/channels/{channel.pk}/templates/refresh")
    assert "no list of templates" in problem(refused)["detail"]
