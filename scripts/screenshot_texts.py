"""More for the pictures of scripts/screenshots.py: texts, attachments, templates, prices, channels.

Each function adds to the world of screenshot_world.py and returns the numbers of what it added.
"""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.waiting import eventually

if TYPE_CHECKING:
    from clarion.accounts.models import Agent
    from clarion.channels.models import Channel

Numbers = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
PNG = (  # one grey pixel
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cch\x00\x00\x00\x82\x00\x81w\xcdr\xb6\x00\x00\x00\x00IEND\xaeB`\x82"
)
CHAT_HTML = (
    "Hi <b>{{ contact.name }}</b>, the <i>autumn sale</i> is <u>open</u>: <s>59</s> 39 €.\n"
    '<a href="https://shop.example/sale">To the shop</a>\n<blockquote>“The best bulbs in town.”'
    "</blockquote>\n<tg-spoiler>Code AUTUMN</tg-spoiler> <code>A-17</code>"
)
BLOCKS: list[dict[str, Any]] = [
    {"kind": "text", "text": CHAT_HTML, "format": "chat_html"},
    {"kind": "text", "text": "*Hello* {{ contact.name }}, _see you\\._", "format": "markdownv2"},
    {"kind": "text", "text": "Plain as ever.", "format": "text"},
]
TEMPLATE: dict[str, Any] = {
    "name": "spring_order",
    "language": "en",
    "status": "approved",
    "category": "marketing",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "{{season}} is here"},
        {"type": "BODY", "text": "Hi {{first_name}}, your order {{order_number}} is on its way."},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Track", "url": "https://shop.example/{{1}}"},
        ]},
    ],
}  # fmt: skip


def texts(draft: Any, bot: "Channel", mail: "Channel", agent: "Agent", long: str = "") -> Numbers:
    """Drafts of an e-mail with attachments and of a formatted text, and a story in formats.

    ``long`` is written into every name.
    """
    from clarion.content import media
    from clarion.content.stories import create_story

    files = [("Price list.pdf", b"%PDF-1.7 " * 9_000), ("Opening hours.txt", b"9 to 5")]
    tokens = [media.save_upload(f"{long}{name}", "", [data]).token for name, data in files]
    picture = media.address(media.save_upload("tulip.png", "image/png", [PNG]))
    letter = draft(
        f"{long}Spring catalogue with files",
        text=f"# Spring is here\n\n![A tulip]({picture})\n\n{long}The **catalogue** is attached.",
        format="markdown", mail={"images": "inline", "attachments": tokens}, channels=[mail],
        track_opens=True,
    )  # fmt: skip
    chat = draft(
        f"{long}Autumn sale, formatted", text=CHAT_HTML + long, format="chat_html", channels=[bot]
    )
    story = create_story(name=f"{long}In formats"[:100], blocks=BLOCKS, by=agent)
    return {"files": letter.pk, "formatted": chat.pk, "formats": story.pk}


def template(draft: Any, agent: "Agent") -> Numbers:
    """A draft of a template with named variables, on a channel that has a table of prices."""
    from clarion.channels import price_lists
    from clarion.channels.manage import add_channel
    from clarion.channels.models import MessageTemplate
    from clarion.contacts.models import Address, Contact
    from clarion.kit import clock

    settings = {"phone_number_id": "106540352242922", "token": "EAAG", "currency": "EUR"}
    channel = add_channel(name="WhatsApp", kind="whatsapp", settings=settings, by=agent)
    rows = [("49", "marketing", "0.1131"), ("49", "utility", "0.0456"), ("1", "", "0.025"),
            ("44", "marketing", "0.0529"), ("*", "", "0.1")]  # fmt: skip
    price_lists.set_prices(channel, rows, by=agent)
    channel.templates_at = clock.now()
    channel.save()
    MessageTemplate.objects.create(channel=channel, **TEMPLATE)
    codes = ("49151", "1212", "44770", "23480")
    Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"{codes[n % 4]}{1_000_000 + n}")
        for n, contact in enumerate(Contact.objects.order_by("pk")[:80])
    )
    chosen = {
        "name": TEMPLATE["name"], "language": "en",
        "variables": ["Spring", "{{ contact.name }}", "A-17", "orders/A-17"],
    }  # fmt: skip
    order = draft("Order by template", data_type="template", template=chosen, channels=[channel])
    return {"order": order.pk, "priced": channel.pk}


def bounced(channel: "Channel") -> Numbers:
    """The entry of an address that bounced."""
    from clarion.channels.contract import AddressReport
    from clarion.contacts.models import Address, Contact, Suppression
    from clarion.contacts.suppressions import reports
    from clarion.kit import clock

    value = "gone@example.org"
    contact = Contact.objects.order_by("pk")[7]
    Address.objects.create(contact=contact, channel=channel, value=value)
    reports.note(channel, AddressReport(value, "hard_bounce", clock.now(), detail="No such user."))
    reports.list_pending()
    # A worker may have listed it.
    entry = Suppression.objects.filter(value=value, kind=channel.kind)
    eventually(entry.exists, timeout=60)
    return {"bounced": entry[0].pk}


def channels(provider: str, agent: "Agent") -> Numbers:
    """A channel of every kind, with the settings in docs/simulator.md; their numbers by kind."""
    from clarion.channels.manage import add_channel

    numbers = {}
    lines = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("    clarion channel add"):
            continue
        words = shlex.split(line.replace("http://127.0.0.1:8025", provider))
        kind = words[words.index("--kind") + 1]
        settings = dict(re.findall(r"^(\w+)=(.*)$", "\n".join(words), re.MULTILINE))
        numbers[kind] = add_channel(name=words[3], kind=kind, settings=settings, by=agent).pk
    return numbers
