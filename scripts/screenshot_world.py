"""What the pictures of scripts/screenshots.py show: channels, people and broadcasts in every state.

``full`` is a usual installation, ``hostile`` adds what no designer hopes for: names without a
space, other scripts, markup, and very many of everything.
"""

import csv
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import screenshot_texts

from support.waiting import eventually

if TYPE_CHECKING:
    from clarion.accounts.models import Agent
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.models import Channel
    from clarion.consents.models import Consent
    from clarion.contacts.models import Address, Contact

Numbers = dict[str, Any]  # ids, and the tokens of signed links

FIRST = ["Ana", "Ben", "Chloé", "Dimitri", "Eva", "Farid", "Grace", "Hiro", "Inês", "Jonas"]
LAST = ["Almeida", "Berg", "Costa", "Dubois", "Fischer", "García", "Haddad", "Jensen", "Rossi"]
CITIES = ["Lisbon", "Berlin", "Paris", "Oslo", "Madrid", "Warsaw", "Prague", "Rome"]
TEXT = """Hi {{ contact.name }},

our autumn sale in {{ contact.city }} starts on Friday at nine. Your {{ contact.points }} points \
count double until Sunday.

See you there!"""
BLOCKS: list[dict[str, Any]] = [
    {"kind": "text", "text": "Hi {{ contact.name }}, we are open again."},
    {
        "kind": "buttons",
        "text": "Where would you like to go?",
        "buttons": [
            {"kind": "link", "label": "Opening hours", "value": "https://example.org/hours"},
            {"kind": "reply", "label": "Call me back", "value": "call"},
        ],
    },
    {"kind": "webhook", "url": "https://example.org/offers", "timeout": 10},
]
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
RIGHT_TO_LEFT = "عرض نهاية الموسم للعملاء المميزين في جميع الفروع"
MARKUP = '<script>alert("1")</script> & <b>Offers</b>'
MANY = 999_999_999


def full(provider: str, data: Path, agent: "Agent", secret: str, *, trouble: bool) -> Numbers:
    """Channels, people and broadcasts in every state; returns the numbers of some."""
    from clarion.accounts import saved_filters
    from clarion.broadcasts import drafts, launch
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.models import Channel
    from clarion.kit import clock

    for name, shared in (("Completed", True), ("Messages of this week", False)):
        saved_filters.save("records", name, "status=completed", shared=shared, by=agent)
    shop, bot = _channels(provider, agent, secret, trouble=trouble)
    _contacts(data, shop, bot, agent)

    def draft(title: str, **fields: Any) -> Broadcast:
        common: dict[str, Any] = {
            "text": TEXT,
            "channels": [shop],
            "audience": Audience(kind="all"),
            **fields,
        }
        return drafts.create_draft(by=agent, title=title, **common)

    loyal = Audience(kind="tags", tags=["loyal"])
    launch.start(draft("Loyalty points", channels=[bot], audience=loyal), by=agent, undo_seconds=0)
    sale = launch.start(draft("Autumn sale"), by=agent, undo_seconds=0)
    later = clock.now() + timedelta(days=20)
    new_year = draft("Happy New Year", channels=[shop, bot], scheduled_at=later)
    launch.start(new_year, by=agent)
    leaving = launch.start(draft("Back in stock", channels=[bot]), by=agent, undo_seconds=600)
    tagged = Audience(kind="tags", tags=["customer"], without_tags=["loyal"])
    edited = draft("Feedback", channels=[shop, bot], audience=tagged)
    eventually(lambda: Broadcast.objects.get(pk=sale.pk).started_at, timeout=60)
    _clicks(sale.pk)
    numbers = {"sale": sale.pk, "leaving": leaving.pk, "draft": edited.pk, "later": new_year.pk}
    numbers |= {"letter": _letter(draft), "layout": _layout(agent), **_sms(draft, agent)}
    mail = Channel.objects.get(name="Newsletter")
    numbers |= screenshot_texts.texts(draft, bot, mail, agent) | screenshot_texts.bounced(mail)
    numbers |= screenshot_texts.template(draft, agent)
    return numbers | (_more(draft, shop, bot, agent) | _dry_run(edited, agent) if trouble else {})


def _letter(draft: Any) -> int:
    """A draft of an e-mail in Markdown; its number."""
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.models import Channel

    text = (
        '# Spring is here, {{ contact.name | default("friend") }}\n\nThe **new catalogue** is out: '
        "see [the shop](https://shop.example/spring).\n\n- Tulips\n- Hyacinths\n\n> “The best "
        "bulbs in town.”\n\n| Bulb | Price |\n| --- | --- |\n| Tulip | 3.50 |\n"
    )
    head = {"preheader": "Tulips from 3.50", "from_name": "Anna of Bulbs & Co"}
    letter: Broadcast = draft(
        "Spring catalogue", text=text, format="markdown", mail=head,
        channels=[Channel.objects.get(name="Newsletter")],
    )  # fmt: skip
    return letter.pk


def _layout(agent: "Agent") -> int:
    """A layout of e-mails; its number."""
    from clarion.content.mail.layouts import built_in, save_layout

    fields = {"html": built_in().html, "address": "Bulbs & Co\n1 Garden Lane\nKew"}
    return save_layout(None, name="Bulbs", is_default=False, by=agent, **fields).pk


def _sms(draft: Any, agent: "Agent") -> Numbers:
    """A draft of an SMS, and its channel, which has one price."""
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.manage import add_channel
    from clarion.contacts.models import Address, Contact

    settings = {
        "account_sid": "AC" + "0" * 32, "auth_token": "t", "sender": "Bulbs", "currency": "EUR",
        "price": "0.06", "smart_encoding": "true",
    }  # fmt: skip
    channel = add_channel(name="SMS", kind="twilio", settings=settings, by=agent)
    people = Contact.objects.order_by("pk")[:40]
    Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"4915112345{number:03}")
        for number, contact in enumerate(people)
    )
    text = (
        "Spring is here – “the best bulbs in town” from 3.50 €. Tulips, hyacinths and daffodils "
        "are in the shop until Sunday, and who comes before ten gets a bag for nothing. See you…"
    )
    broadcast: Broadcast = draft("Spring by SMS", text=text, channels=[channel])
    return {"sms": broadcast.pk, "sms_channel": channel.pk}


def _dry_run(broadcast: "Broadcast", agent: "Agent", *, is_worker: bool = False) -> Numbers:
    """A dry run that has ended; returns the number of one of its groups.

    ``is_worker``: there is no other one to do it.
    """
    from clarion.engine import reap
    from clarion.engine.dry_runs import control, running

    dry_run = control.order(broadcast, by=agent)
    if is_worker:
        worker = reap.register()
        running.run_next(worker, lambda: False)
        reap.sign_off(worker)

    def has_ended() -> bool:
        dry_run.refresh_from_db()
        return dry_run.state == "done"

    eventually(has_ended, timeout=60)
    return {"dry_run_group": dry_run.groups.order_by("-pk")[0].pk}


def _clicks(broadcast: int) -> None:
    """Some recipients clicked one of three links, of which one is long, or opened an e-mail."""
    from clarion.broadcasts.models import Broadcast
    from clarion.clicks.links import count_opens, number_links
    from clarion.clicks.models import OPENED
    from clarion.clicks.store import Visit, store
    from clarion.kit import clock
    from clarion.records.models import Delivery

    eventually(lambda: Delivery.objects.filter(broadcast=broadcast).count() >= 60, timeout=60)
    Broadcast.objects.filter(pk=broadcast).update(track_clicks=True, track_opens=True)
    count_opens(broadcast)
    targets = ["https://shop.example/sale", "https://shop.example/?id={{ contact.id }}"]
    links = list(number_links(broadcast, [*targets, f"https://{LONG}.example/{LONG}"]).values())
    deliveries = Delivery.objects.filter(broadcast=broadcast).order_by("pk")[:60]
    store(
        [
            Visit(
                delivery.pk, links[number % 3], clock.now_us() - number * 9 * clock.SECOND,
                ("", "", "", "agent", "head")[number % 5],
            )
            for number, delivery in enumerate(deliveries)
        ]
    )  # fmt: skip
    later = clock.now_us() + 5 * clock.SECOND
    signs = ("", "proxy", "privacy", "soon", "agent")
    store(
        [
            Visit(delivery.pk, OPENED, later + number, signs[number % 5])
            for number, delivery in enumerate(deliveries[:40])
        ]
    )


def _channels(
    provider: str, agent: "Agent", secret: str, *, trouble: bool
) -> tuple["Channel", "Channel"]:
    from clarion.channels.manage import add_channel, check_channel, pause_channel

    web = {"url": f"{provider}/shop", "allow_private": "true", "secret": secret}
    shop = add_channel(name="Shop app", kind="webhook", settings=web, rate=250, by=agent)
    bot_settings = {"token": "123456789:AAEhBOweik6ad9rQXMENQjcrGbqCr4K", "api_root": provider}
    bot = add_channel(name="Customer bot", kind="telegram", settings=bot_settings, by=agent)
    with ThreadPoolExecutor(1) as pool:  # Playwright has a loop in this thread
        for channel in (shop, bot):
            pool.submit(check_channel, channel).result()
    mail_settings = {"host": "smtp.example.org", "sender": "News <news@example.org>"}
    mail = add_channel(name="Newsletter", kind="email", settings=mail_settings, by=agent)
    if trouble:
        reason = "The server refused the password. Save it again."
        pause_channel(mail, reason=reason, by="engine")
    return shop, bot


def _contacts(data: Path, shop: "Channel", bot: "Channel", agent: "Agent") -> None:
    from clarion.contacts.imports import import_contacts
    from clarion.contacts.models import Address
    from clarion.kit import clock

    import_contacts(people(data / "shop.csv", 5_000, 100_000), channel=shop, tags=["customer"],
                    by=agent)  # fmt: skip
    import_contacts(people(data / "bot.csv", 400, 700_000), channel=bot, tags=["loyal"], by=agent)
    # A bot may write only to people who have written to it.
    Address.objects.filter(channel=bot).update(has_written=True, wrote_at=clock.now())


def people(path: Path, count: int, first_id: int) -> Path:
    """A file of invented people."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "city", "points"])
        for number in range(count):
            name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            row = [first_id + number, name, chance.choice(CITIES), chance.randrange(900)]
            writer.writerow(row)
    return path


def _more(draft: Any, shop: "Channel", bot: "Channel", agent: "Agent") -> Numbers:
    """Stories, consents, chats, live broadcasts, and broadcasts that were interrupted."""
    from clarion.accounts import audit, links
    from clarion.broadcasts import control, launch
    from clarion.bulk import actions, acts
    from clarion.bulk.selection import Selection
    from clarion.channels import own_keywords
    from clarion.codes import batches, pools
    from clarion.consents import grants, manage
    from clarion.contacts import addresses
    from clarion.contacts.models import Address, Contact
    from clarion.contacts.suppressions import entries
    from clarion.content.stories import create_story
    from clarion.kit import clock

    actions.start("tag", Selection(), acts.tag_options(["spring"]), by=agent)
    story = create_story(name="Welcome", blocks=BLOCKS, by=agent)
    news = manage.define(name="News", category="Marketing", text="I want the news.", by=agent)
    manage.define(name="Offers", category="Marketing", text="", by=agent)
    person = Address.objects.filter(channel=bot).order_by("pk")[3]
    buyer = Address.objects.filter(channel=shop).order_by("pk")[0]
    grants.give(news, [person.contact_id], how="agent", by=agent)
    rivals, _ = entries.add("9*", kind=bot.kind, reason="blocked", note="Test numbers", by=agent)
    entries.add("*@example.net", kind="email", reason="complained", by=agent)
    opted_out = Address.objects.filter(channel=bot, suppression=None).order_by("-pk")[0]
    addresses.mark(opted_out.pk, "opted_out", clock.now())
    own_keywords.add(["halt", "abmelden"], "opted_out", agent)
    paused = launch.start(draft("Winter tyres", channels=[bot], rate=2), by=agent, undo_seconds=0)
    stopped = launch.start(draft("Wrong price list", rate=2), by=agent, undo_seconds=0)
    for broadcast in (paused, stopped):
        started = broadcast.__class__.objects.filter(pk=broadcast.pk, started_at__isnull=False)
        eventually(started.exists, timeout=60)
    reason = (
        "46 of the last 200 messages were rejected (limit: 20%). Most frequent error: The text is "
        "longer than the 4,096 characters that Telegram accepts. Fix the cause, then resume. A "
        "restart also sends to those who failed."
    )
    control.pause(paused, by=audit.WORKER, reason=reason)
    control.stop(stopped, by=agent)
    every = {"every": "week", "days": [0, 3], "at": "09:00"}
    periodic = launch.start(draft("Weekly offers", recurrence=every), by=agent)
    birthday = {"on": "tag", "tag": "birthday", "delay": 3_600}
    trigger = launch.start(draft("Birthday", type="trigger", trigger=birthday), by=agent)
    external = launch.start(
        draft("Order shipped", type="external", data_type="story", story=story), by=agent
    )
    chat = _chats(bot, agent)
    pool = pools.create(
        pools.Rules(name="Welcome gift", pattern="HI-####-????", low_at=50), by=agent
    )
    batches.order_codes(pool, 200, by=agent)
    invited, _ = links.invite_agent(
        name="Grace Hopper", email="grace@example.org", role="sender", by=agent
    )
    used = (
        {"invited": invited.pk, "person_address": person.pk}
        | _failed()
        | _merged(agent)
        | _links(person, bot, agent)
    )
    return used | {
        "story": story.pk, "consent": news.pk, "paused": paused.pk, "stopped": stopped.pk,
        "pool": pool.pk, "suppression": rivals.pk, "opted_out": opted_out.pk,
        "periodic": periodic.pk, "trigger": trigger.pk, "external": external.pk, "chat": chat,
        "person": person.contact_id, "buyer": buyer.contact_id, "contacts": Contact.objects.count(),
    }  # fmt: skip


def _failed() -> Numbers:
    """A recipient that failed, its record and its cause; a contact that clicked."""
    from clarion.clicks.models import Click
    from clarion.records.models import Delivery, Record

    failed = Delivery.objects.filter(state="failed").exclude(reason=None).order_by("pk")
    eventually(failed.exists, timeout=60)
    delivery = failed[0]
    record = Record.objects.filter(delivery=delivery).order_by("-pk")[0]
    click = Delivery.objects.get(pk=Click.objects.order_by("pk")[0].delivery_id)
    return {
        "failed_delivery": delivery.pk, "failed_record": record.pk, "cause": delivery.reason_id,
        "failed_broadcast": delivery.broadcast_id, "clicker": click.address.contact_id,
    }  # fmt: skip


def _merged(agent: "Agent") -> Numbers:
    """Two contacts that were merged, a tag that is in use, and API tokens."""
    from clarion.accounts.tokens import create_token
    from clarion.contacts import merges
    from clarion.contacts.models import Contact, Tag
    from clarion.kit import clock

    kept, gone = Contact.objects.order_by("-pk")[:2]
    merge = merges.merge(kept.pk, gone.pk, by=agent)
    create_token(name="Shop", scopes=["contacts:read"], expires_at=None, by=agent)
    expires = clock.now() + timedelta(days=90)
    scopes = ["contacts:read", "contacts:write", "broadcasts:read"]
    token, _ = create_token(name="Reports", scopes=scopes, expires_at=expires, by=agent)
    used = Tag.objects.get(name="birthday").pk
    return {
        "kept": kept.pk, "merge": merge.pk, "token": token.pk, "used_tag": used,
        **_webhooks("Shop", "https://shop.example.org/clarion", agent),
    }  # fmt: skip


def _webhooks(name: str, url: str, agent: "Agent") -> Numbers:
    """An endpoint that is told of the latest attempts, one of them in vain, and a disabled one."""
    from django.db import transaction

    from clarion.records.models import Record
    from clarion.webhooks.endpoints import add_endpoint, disable
    from clarion.webhooks.events import EVENT_TYPES
    from clarion.webhooks.models import Cursor
    from clarion.webhooks.queue import Outcome, give_back, next_round, settle, take

    latest = list(Record.objects.order_by("-pk").values_list("pk", flat=True)[:250])
    with transaction.atomic():  # the worker sees it with its lease, and leaves it alone
        endpoint, _ = add_endpoint(name=name, url=url, event_types=EVENT_TYPES, by=agent)
        Cursor.objects.filter(endpoint=endpoint, source="attempts").update(position=min(latest) - 1)
        lease = take(endpoint.pk)
    assert lease is not None
    requests = next_round(lease).requests
    accepted = [Outcome(each.id, 200, "The receiver answered 200.", 41) for each in requests]
    settle(endpoint.pk, accepted[1:])
    settle(endpoint.pk, [Outcome(requests[0].id, 503, "The receiver answered 503.", 903)])
    give_back(lease)
    other, _ = add_endpoint(
        name=f"{name} of last year", url=url, event_types=["message.received"], by=agent
    )
    disable(other, "No request was accepted for three days. The receiver answered 404.")
    return {"webhook": endpoint.pk, "webhook_off": other.pk, "request": requests[0].id}


def _links(address: "Address", bot: "Channel", agent: "Agent") -> Numbers:
    """Tokens of the pages behind signed links; what is changed there has its own address."""
    from clarion.consents import confirmations, grants, manage, preferences
    from clarion.consents.models import Confirmation
    from clarion.contacts import unsubscribe
    from clarion.contacts.models import Address

    by_letter = manage.define(
        name="Monthly letter", category="Marketing", text="I want the letter by e-mail each month.",
        confirming=manage.Confirming(bot), by=agent,
    )  # fmt: skip
    other = Address.objects.filter(channel=bot).order_by("pk")[5]
    asked = [address.contact_id, other.contact_id]
    grants.give(by_letter, asked, how="agent", by=agent)
    first, second = Confirmation.objects.filter(consent=by_letter).order_by("pk")
    return {
        "preferences": preferences.PREFERENCES.token(address.pk),
        "confirm": confirmations.CONFIRM.token(first.pk),
        "confirmed": confirmations.CONFIRM.token(second.pk),
        "unsubscribe": unsubscribe.make_token(address.pk),
        "unsubscribe_from": unsubscribe.make_token(other.pk),
        "asks": by_letter.pk,
    }


def _chats(bot: "Channel", agent: "Agent") -> int:
    """Some conversations; the number of one that the agent has."""
    from clarion.channels.contract import Inbound
    from clarion.chats import control
    from clarion.chats.inbound import receive
    from clarion.contacts.models import Address
    from clarion.kit import clock

    addresses = list(Address.objects.filter(channel=bot).order_by("pk")[:9])
    for number, address in enumerate(addresses):
        for line, text in enumerate(("Hello!", "When do you open on Sunday?", "Thank you.")):
            at = clock.now() - timedelta(minutes=50 * number + 3 - line)
            receive(bot, Inbound(address.value, f"{address.pk}-{line}", text, at))
    for address in addresses[:2]:
        control.take_over(address.pk, by=agent)
    control.close(addresses[1].pk, by=agent)
    return addresses[0].pk


def _templates(agent: "Agent") -> Numbers:
    """A channel with the simulator's templates, one whose texts are hostile, and prices; and a
    draft to people in many countries."""
    from clarion.broadcasts import drafts
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.manage import add_channel
    from clarion.channels.models import MessageTemplate
    from clarion.contacts.models import Address, Contact
    from clarion.kit import clock
    from clarion_simulator.whatsapp_templates import TEMPLATES

    codes = ["49", "1", "44", "55", "972", "62", "234", "380", "91"]
    prices = [f"{code} {kind}=0.{code}" for code in codes[:6] for kind in ("marketing", "utility")]
    settings = {"phone_number_id": "106540352242922", "token": "EAAG", "waba_id": "102290129340398",
                "currency": "EUR", "prices": ", ".join(prices)}  # fmt: skip
    channel = add_channel(name=LONG[:50], kind="whatsapp", settings=settings, by=agent)
    channel.templates_at = clock.now()
    channel.templates_problem = f"{LONG}. {RIGHT_TO_LEFT}."
    channel.save()
    hostile_one = {
        **TEMPLATES[2], "name": LONG.lower(), "status": LONG[:30], "category": LONG[:30],
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": LONG},
            {"type": "BODY", "text": f"{LONG * 3} {RIGHT_TO_LEFT * 3} {MARKUP}"},
            {"type": "FOOTER", "text": LONG},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "text": LONG[:25], "url": "https://x.example"}]},
        ],
    }  # fmt: skip
    for listed in (*TEMPLATES, hostile_one):
        MessageTemplate.objects.create(
            channel=channel, name=listed["name"], language=listed["language"],
            status=listed["status"].lower(), category=listed["category"].lower(),
            quality=listed["quality_score"]["score"].lower().replace("unknown", ""),
            components=listed["components"],
        )  # fmt: skip
    people = Contact.objects.bulk_create(Contact(name=LONG) for _ in range(90))
    Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"{codes[n % 9]}151{1_000_000 + n}")
        for n, contact in enumerate(people)
    )
    chosen = {
        "name": "new_collection",
        "language": "en",
        "variables": [f"https://shop.example/{LONG}.jpg", "{{ contact.first_name }}", "", ""],
    }
    draft = drafts.create_draft(
        title=f"{LONG} {MARKUP}"[:190], data_type=Broadcast.DataType.TEMPLATE, template=chosen,
        channels=[channel], audience=Audience(kind="all"), by=agent,
    )  # fmt: skip
    return {"whatsapp": channel.pk, "template_draft": draft.pk}


def hostile(provider: str, agent: "Agent") -> Numbers:
    """Names without a space, other scripts, markup, and very many of everything."""
    from clarion.accounts import saved_filters
    from clarion.accounts.agents import add_agent
    from clarion.broadcasts import drafts
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.manage import add_channel, pause_channel
    from clarion.consents import manage
    from clarion.contacts.models import Address, Contact, Import
    from clarion.contacts.suppressions import entries
    from clarion.contacts.tags import assign
    from clarion.content.mail.layouts import save_layout
    from clarion.content.stories import create_story
    from clarion.kit import clock

    other, _ = add_agent(name=LONG[:60], email="long@example.org", role="admin", password=None,
                         by="screenshots")  # fmt: skip
    for name in (LONG[:80], RIGHT_TO_LEFT, MARKUP):
        saved_filters.save("records", name, "status=error", shared=True, by=agent)
    web = {"url": f"{provider}/{LONG}", "allow_private": "true"}
    channel = add_channel(name=LONG[:60], kind="webhook", settings=web, by=agent)
    templates = _templates(agent)
    blocks = [{"kind": "text", "text": LONG * 5}, {"kind": "text", "text": RIGHT_TO_LEFT * 9}] * 4
    story = create_story(name=f"{LONG} {MARKUP}"[:100], blocks=blocks, by=agent)
    consent = manage.define(name=LONG[:90], category=RIGHT_TO_LEFT, text=LONG * 9, by=agent)
    entry, _ = entries.add(
        f"{LONG * 2}*", kind="webhook", reason="complained", note=LONG * 5, by=agent
    )
    entries.add(f"*{RIGHT_TO_LEFT}", kind="webhook", reason="gone", note=MARKUP, by=agent)
    names = [LONG * 2, RIGHT_TO_LEFT, MARKUP, "", "🎄" * 60, "Nguyễn Thị Minh Khai" * 4]
    contacts = Contact.objects.bulk_create(
        Contact(name=name, attributes={LONG: LONG, "city": RIGHT_TO_LEFT}) for name in names
    )
    Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=f"{LONG}{number}")
        for number, contact in enumerate(contacts)
    )
    assign([f"{LONG} {n}" for n in range(12)], [contact.pk for contact in contacts], by=agent)
    titles = [LONG * 2, RIGHT_TO_LEFT, MARKUP, "🎄" * 60]
    texts = [LONG * 20, RIGHT_TO_LEFT * 9, MARKUP * 9, "Line\n" * 60]
    fields: dict[str, Any] = {"channels": [channel], "audience": Audience(kind="all")}
    rows = [
        drafts.create_draft(by=agent, title=title[:200], text=text, **fields)
        for title, text in zip(titles, texts, strict=True)
    ]
    draft = rows[0]
    lacking = drafts.create_draft(
        by=agent, title=LONG, text=f"{{{{ contact.{'very_' * 12}long_name }}}}", **fields
    )
    started = clock.now() - timedelta(days=400)
    for state, row in zip(("sending", "paused", "completed"), rows[1:], strict=True):
        ended = clock.now() if state == "completed" else None
        reason = f"{LONG} {RIGHT_TO_LEFT}" if state == "paused" else ""
        Broadcast.objects.filter(pk=row.pk).update(
            state=state, started_at=started, finished_at=ended, state_reason=reason, total=MANY,
            expanded_at=started, track_clicks=True, track_opens=True,
        )  # fmt: skip
        _count(row, channel)
    pause_channel(channel, reason=LONG * 3, by="engine")
    mail_settings = {"host": "smtp.example.org", "sender": "news@example.org"}
    mail = add_channel(name=f"{LONG[:50]} mail", kind="email", settings=mail_settings, by=agent)
    Address.objects.create(contact=contacts[0], channel=mail, value=f"{LONG[:60]}@example.org")

    def draft_of(title: str, **more: Any) -> Broadcast:
        return drafts.create_draft(by=agent, title=title[:200], **(fields | more))

    written = screenshot_texts.texts(draft_of, channel, mail, agent, LONG)
    layout = save_layout(
        None, name=LONG[:80], html=f"<p>{LONG}</p>{{{{ content }}}}", address=f"{LONG}\n" * 3,
        is_default=False, by=agent,
    )  # fmt: skip
    wide = Import.objects.create(
        channel=channel, agent=agent, filename=f"{LONG * 2}.csv", id_column=LONG, tags=[LONG] * 5,
        state="failed", error=f"{LONG} {RIGHT_TO_LEFT}", lines=MANY, created=MANY, rejected=MANY,
    )  # fmt: skip
    return {
        "draft": draft.pk, "sending": rows[1].pk, "paused": rows[2].pk, "completed": rows[3].pk,
        "channel": channel.pk, "story": story.pk, "person": contacts[0].pk, "import": wide.pk,
        "agent": other.pk, "other": contacts[1].pk, "consent": consent.pk, "suppression": entry.pk,
        "text": LONG, "layout": layout.pk, **written,
        "lacking": lacking.pk, **_dry_run(lacking, agent, is_worker=True),
    } | templates | _hostile_links(contacts[0], consent, agent)  # fmt: skip


def _hostile_links(contact: "Contact", consent: "Consent", agent: "Agent") -> Numbers:
    """Tags and a token with long names, and the pages behind the links of a contact."""
    from clarion.accounts.tokens import create_token
    from clarion.consents import confirmations, preferences
    from clarion.consents.models import Confirmation, TextVersion
    from clarion.contacts.models import Tag
    from clarion.kit import clock

    address = contact.addresses.earliest("pk")
    request = Confirmation.objects.create(
        consent=consent, contact=contact, address=address, how="agent", requested_at=clock.now(),
        version=TextVersion.objects.filter(consent=consent).first(), due=False,
        expires_at=clock.now() + timedelta(days=7), problem=LONG * 3,
    )  # fmt: skip
    create_token(name=LONG[:60], scopes=["contacts:read"], expires_at=None, by=agent)
    tag, other = Tag.objects.filter(name__startswith=LONG)[:2]
    url = f"https://shop.example.org/{LONG.replace(' ', '-')}"
    return _webhooks(LONG[:60], url, agent) | {
        "address": address.pk, "tag": tag.pk, "other_tag": other.pk,
        "preferences": preferences.PREFERENCES.token(address.pk),
        "confirm": confirmations.CONFIRM.token(request.pk),
    }  # fmt: skip


def _count(broadcast: "Broadcast", channel: "Channel") -> None:
    """Tallies of a broadcast whose deliveries would be far too many to write."""
    from clarion.records.models import Tally

    share = MANY // 9
    states = ("read", "delivered", "sent", "failed", "skipped", "unsent", "in_doubt", "held")
    for state in (*states, "queued"):
        delta = MANY - 8 * share if state == "queued" else share
        Tally.objects.create(broadcast=broadcast, channel=channel, state=state, delta=delta)
