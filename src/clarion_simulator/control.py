"""The simulator's own addresses: what it received, how it behaves, and the page at /."""

import html
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from clarion_simulator.desk import Desk
from clarion_simulator.direct import Direct
from clarion_simulator.direct_messages import Invalid
from clarion_simulator.discord import Discord
from clarion_simulator.fate import INSTRUCTIONS
from clarion_simulator.line import Line
from clarion_simulator.slack import Slack
from clarion_simulator.smpp import Smpp, from_person
from clarion_simulator.summary import Tally
from clarion_simulator.telegram import Telegram
from clarion_simulator.twilio import Twilio
from clarion_simulator.viber import Viber
from clarion_simulator.vk import Vk
from clarion_simulator.vonage import Vonage
from clarion_simulator.webhook import Webhook
from clarion_simulator.webpush import WebPush
from clarion_simulator.whatsapp import WhatsApp
from clarion_simulator.whatsapp_messages import Wrong
from clarion_simulator.wire import Connection, Handler, Slot, http_reply, json_reply

LIMIT_MAX = 10_000
_HELP = (
    "GET /_/health, /_/summary, /_/log, /_/accepted, /_/behaviour; "
    "POST /_/reset, /_/behaviour, /_/behave, /_/inbound"
)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: clarion-simulator\r\nContent-Type: application/x-ndjson\r\n"
)
Answer = Callable[[dict[str, Any]], Awaitable[Any]]


class NotSo(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """A question that cannot be answered; its text says why."""


class Control:
    """Serves / and /_/…"""

    def __init__(
        self,
        desk: Desk,
        telegram: Telegram,
        whatsapp: WhatsApp,
        direct: Direct,
        twilio: Twilio,
        vonage: Vonage,
        webhook: Webhook,
        line: Line,
        viber: Viber,
        webpush: WebPush,
        slack: Slack,
        smpp: Smpp,
        discord: Discord,
        vk: Vk,
        tally: Tally,
        *,
        health: Callable[[], dict[str, Any]],
        use: Callable[[dict[str, Any]], None],
        reset: Callable[[], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._telegram = telegram
        self._whatsapp = whatsapp
        self._direct = direct
        self._twilio = twilio
        self._vonage = vonage
        self._webhook = webhook
        self._line = line
        self._viber = viber
        self._webpush = webpush
        self._slack = slack
        self._smpp = smpp
        self._discord = discord
        self._vk = vk
        self._tally = tally
        self._health = health
        self._use = use
        self._reset = reset
        self._answers: dict[tuple[str, str], Answer] = {
            ("GET", "/_/health"): self._get_health,
            ("GET", "/_/summary"): self._get_summary,
            ("GET", "/_/log"): self._get_log,
            ("GET", "/_/behaviour"): self._get_behaviour,
            ("POST", "/_/behaviour"): self._post_behaviour,
            ("POST", "/_/behave"): self._post_behave,
            ("POST", "/_/reset"): self._post_reset,
            ("POST", "/_/inbound"): self._post_inbound,
        }

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""

        def handle(conn: Connection) -> None:
            # Taken here, not in the task: the next request may be parsed before that runs.
            method, body = conn.method.decode(), bytes(conn.body)
            if path == "/_/accepted" and method == "GET":
                chunked = conn.keep and conn.http_version != "1.0"
                conn.keep = chunked  # else the end of the stream is the end of the connection
                conn.start(conn.stream(conn.hold(), self._lines(chunked)))
            else:
                work = self._page() if path == "/" else self._answer(method, path, query, body)
                conn.start(self._fill(conn, conn.hold(), work))

        return handle

    async def _fill(self, conn: Connection, slot: Slot, work: Awaitable[bytes]) -> None:
        conn.fill(slot, await work)

    async def _answer(self, method: str, path: str, query: str, body: bytes) -> bytes:
        answer = self._answers.get((method, path))
        if answer is None:
            return json_reply(404, {"error": f"There is no {method} {path}. There is: {_HELP}."})
        try:
            fields = _object(body) if method == "POST" else dict(parse_qsl(query))
            return json_reply(200, await answer(fields))
        except (NotSo, ValueError) as error:
            return json_reply(400, {"error": str(error)})

    async def _get_health(self, fields: dict[str, Any]) -> Any:
        return self._health()

    async def _get_summary(self, fields: dict[str, Any]) -> Any:
        return {**await self._tally.summary(), "callbacks": self._desk.caller.counts()}

    async def _get_log(self, fields: dict[str, Any]) -> Any:
        unknown = fields.keys() - {"recipient", "key", "outcome", "channel", "after", "limit"}
        if unknown:
            raise NotSo(f"The log has no filter {', '.join(sorted(unknown))}.")
        after = _whole(fields.pop("after", 0), "after")
        limit = min(_whole(fields.pop("limit", 100), "limit"), LIMIT_MAX)
        entries = self._desk.log.search(**fields, after=after, limit=limit)
        more = entries[-1]["number"] if entries and len(entries) == limit else None
        return {"entries": entries, "next": more}

    async def _get_behaviour(self, fields: dict[str, Any]) -> Any:
        return self._desk.behaviour.model_dump()

    async def _post_behaviour(self, fields: dict[str, Any]) -> Any:
        self._use(fields)
        return self._desk.behaviour.model_dump()

    async def _post_behave(self, fields: dict[str, Any]) -> Any:
        recipient, do, times = fields.get("recipient"), fields.get("do"), fields.get("times")
        if not isinstance(recipient, str | int) or not str(recipient):
            raise NotSo("recipient must be a text.")
        if do is not None and do not in INSTRUCTIONS:
            raise NotSo(f"do must be null or one of: {', '.join(INSTRUCTIONS)}.")
        if times is not None and _whole(times, "times") < 1:
            raise NotSo("times must be null or at least 1.")
        self._desk.judge.order(str(recipient), do, times)
        return {"ok": True}

    async def _post_reset(self, fields: dict[str, Any]) -> Any:
        await self._reset()
        return {"ok": True}

    async def _post_inbound(self, fields: dict[str, Any]) -> Any:
        if "phone" in fields:
            return self._inbound_whatsapp(fields)
        if "account" in fields:
            return self._inbound_direct(fields)
        if "account_sid" in fields:
            return self._inbound_twilio(fields)
        if "smpp" in fields:
            self._smpp.write(*from_person(fields))
            return {"ok": True, "by": "deliver_sm"}
        if "api_key" in fields:
            return self._inbound_vonage(fields)
        if "bot" in fields:
            return self._inbound_telegram(fields)
        if "vk_person" in fields:
            return self._inbound_vk(fields)
        if "discord_channel" in fields:
            return self._inbound_discord(fields)
        if "slack_user" in fields:
            return self._inbound_slack(fields)
        if "browser" in fields:
            return self._inbound_webpush(fields)
        if "line" in fields or "viber" in fields:
            (self._line if "line" in fields else self._viber).inbound(fields)
            return {"ok": True, "by": "webhook"}
        return self._inbound_webhook(fields)

    def _inbound_telegram(self, fields: dict[str, Any]) -> Any:
        bot = self._telegram.bot(str(fields["bot"]))
        if bot is None:
            raise NotSo("bot must be a bot's token, like 123456:secret.")
        update = fields.get("update")
        if update is None:
            text, name, button = _texts(fields, text="", name="Anna", button="")
            chat_id = _whole(fields.get("chat_id"), "chat_id")
            if button:
                update = self._telegram.pressed(bot, chat_id, button, name)
            else:
                update = self._telegram.message(chat_id, text, name)
        if not isinstance(update, dict):
            raise NotSo("update must be an object.")
        by = "webhook" if bot.url else "queue"
        return {"ok": True, "by": by, "update": self._telegram.inbound(bot, update)}

    def _inbound_webhook(self, fields: dict[str, Any]) -> Any:
        url = fields.get("url") or self._desk.behaviour.callback_url
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise NotSo(
                "Name a bot, a phone, an account, an smpp account, or the url of a channel of the "
                "webhook kind."
            )
        kind, data = fields.get("type", "message.received"), fields.get("data")
        if data is None:
            person, text, name, button = _texts(fields, **{"from": ""}, text="", name="", button="")
            if not person:
                raise NotSo("from must be the person, a text.")
            text = text or (self._webhook.label(person, button) if button else "")
            data = {"from": person, "text": text, "name": name, "button": button}
            data = {key: value for key, value in data.items() if value or key == "text"}
        if not isinstance(kind, str) or not isinstance(data, dict):
            raise NotSo("type must be a text and data an object.")
        return {"ok": True, "by": "callback", "event": self._webhook.inbound(url, kind, data)}

    def _inbound_whatsapp(self, fields: dict[str, Any]) -> Any:
        phone = fields["phone"]
        if not isinstance(phone, str) or not phone.isdecimal():
            raise NotSo("phone must be the id of a phone number: a text of digits.")
        number, value = self._whatsapp.number(phone), fields.get("value")
        try:
            if value is None:
                names = ("from", "name", "text", "button")
                texts = [fields.get(name, "Anna" if name == "name" else "") for name in names]
                if not all(isinstance(text, str) for text in texts) or not texts[0]:
                    raise NotSo("from, name, text and button must be texts; from is needed.")
                self._whatsapp.write(number, *texts)
            elif isinstance(value, dict):
                self._whatsapp.tell(number, value)
            else:
                raise NotSo("value must be an object.")
        except Wrong as wrong:
            raise NotSo(str(wrong)) from None
        return {"ok": True, "by": "webhook"}

    def _inbound_vk(self, fields: dict[str, Any]) -> Any:
        url, person, group, text, button = _texts(
            {"url": self._desk.behaviour.callback_url or "", **fields},
            url="", vk_person="", group="", text="", button="",
        )  # fmt: skip
        if not url or not person.isdecimal() or not group.isdecimal():
            raise NotSo("vk_person and group must be numbers, and url the channel's webhook URL.")
        self._vk.write(url, group, person, text, button)
        return {"ok": True, "by": "callback"}

    def _inbound_discord(self, fields: dict[str, Any]) -> Any:
        url, channel, text, button = _texts(
            {"url": self._desk.behaviour.callback_url or "", **fields},
            url="", discord_channel="", text="", button="",
        )  # fmt: skip
        if not url or not channel.isdecimal():
            raise NotSo("discord_channel must be an id, and url the channel's webhook URL.")
        if button:
            self._discord.press(url, channel, button)
        else:
            self._discord.command(url, channel, text)
        return {"ok": True, "by": "callback"}

    def _inbound_slack(self, fields: dict[str, Any]) -> Any:
        url, user, text, button = _texts(
            {"url": self._desk.behaviour.callback_url or "", **fields},
            url="", slack_user="", text="", button="",
        )  # fmt: skip
        if not url or not user:
            raise NotSo("slack_user must be a member's id, and url the channel's webhook URL.")
        self._slack.write(url, user, text, button)
        return {"ok": True, "by": "callback"}

    def _inbound_webpush(self, fields: dict[str, Any]) -> Any:
        browser, button = _texts(fields, browser="", button="")
        if not self._webpush.press(browser, button):
            raise NotSo(
                "This browser was shown no reply button with that value; or set callback_url."
            )
        return {"ok": True, "by": "callback"}

    def _inbound_direct(self, fields: dict[str, Any]) -> Any:
        names = {"platform": "", "account": "", "from": "", "text": "", "button": ""}
        texts = _texts(fields, **names)
        if not (texts[1].isdecimal() and texts[2]):
            raise NotSo("account must be an account's id, a text of digits, and from the person.")
        try:
            self._direct.write(*texts)
        except Invalid as invalid:
            raise NotSo(str(invalid)) from None

    def _inbound_vonage(self, fields: dict[str, Any]) -> Any:
        key, person, text = _texts(fields, api_key="", **{"from": ""}, text="")
        if not key or not person:
            raise NotSo("api_key and from are needed: the account and a phone number.")
        if not self._vonage.write(key, person, text):
            raise NotSo("The account has no webhook. Set callback_url.")
        return {"ok": True, "by": "webhook"}

    def _inbound_twilio(self, fields: dict[str, Any]) -> Any:
        sid, person, text, url = _texts(fields, account_sid="", **{"from": ""}, text="", url="")
        if not sid or not person:
            raise NotSo("account_sid and from are needed: the account and a phone number.")
        if not self._twilio.write(self._twilio.account(sid), person, text, url):
            raise NotSo("The account has no webhook. Register one, set callback_url, or give url.")
        return {"ok": True, "by": "webhook"}

    async def _lines(self, chunked: bool) -> AsyncIterator[bytes]:
        how = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Connection: close\r\n\r\n"
        yield _STREAM_HEAD + how
        async for piece in self._tally.accepted():
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
        if chunked:
            yield b"0\r\n\r\n"

    async def _page(self) -> bytes:
        summary = {**await self._tally.summary(), "callbacks": self._desk.caller.counts()}
        text = page(summary, self._health())
        return http_reply(200, text, content_type="text/html; charset=utf-8")


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise NotSo("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise NotSo("The body is not a JSON object.")
    return fields


def _texts(fields: dict[str, Any], **defaults: str) -> list[str]:
    texts = [fields.get(name, default) for name, default in defaults.items()]
    if not all(isinstance(text, str) for text in texts):
        raise NotSo(f"{', '.join(defaults)} must be texts.")
    return texts


def _whole(value: object, name: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise NotSo(f"{name} must be a whole number.") from None


def page(summary: dict[str, Any], health: dict[str, Any]) -> str:
    """The page at /: what this is, where it listens, and the summary."""

    def table(rows: dict[str, Any]) -> str:
        cells = (
            f"<tr><th scope=row>{html.escape(str(name))}<td>{html.escape(str(value))}"
            for name, value in rows.items()
        )
        return f"<table>{''.join(cells)}</table>"

    totals = {
        "requests": summary["total"],
        **summary["by_outcome"],
        "recipients accepted": summary["recipients_accepted"],
        "accepted more than once": summary["recipients_accepted_more_than_once"]["count"],
        "most in one second": summary["peak_per_second"],
        "receipts and updates posted": summary["callbacks"]["answered"],
    }
    channels = "".join(
        f"<h2>{html.escape(channel['protocol'])} {html.escape(channel['channel'])}</h2>"
        + table({**channel["by_outcome"], "most in one second": channel["peak_per_second"]})
        for channel in summary["channels"]
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Clarion simulator</title>"
        '<meta name=viewport content="width=device-width"><meta http-equiv=refresh content=5>'
        "<style>body{font:16px/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem}"
        "th{text-align:left;font-weight:normal;padding-right:2rem}"
        "td{font-variant-numeric:tabular-nums}</style>"
        "<h1>Clarion simulator</h1><p>A provider to rehearse with. Nothing sent here reaches "
        "anybody. It speaks the webhook kind (<code>POST /hook/NAME</code>), the Telegram Bot "
        "API (<code>POST /botTOKEN/METHOD</code>), WhatsApp's Cloud API "
        "(<code>POST /whatsapp/v26.0/ID/messages</code>), Messenger's and "
        "Instagram's Send API (<code>POST /messenger/v26.0/me/messages</code>), Web Push "
        "(<code>POST /push/BROWSER</code>), SMTP, and SMPP where asked for.</p>"
        + table({"HTTP": health["http"], "SMTP": health["smtp"], "SMPP": health["smpp"] or "–"})
        + f"<h2>Received</h2>{table(totals)}{channels}"
        + f"<h2>Questions it answers</h2><p><code>{_HELP}</code></p></html>"
    )
