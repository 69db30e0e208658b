"""The WhatsApp kind: a WhatsApp Business number, over Meta's Cloud API.

https://developers.facebook.com/docs/whatsapp/cloud-api. No idempotency key; but our own message id
comes back with every status, so a message whose fate is unknown is often cleared up by itself.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels import payloads, prices
from clarion.channels.account_events import LimitReported
from clarion.channels.catalogue import ListedError, listed
from clarion.channels.contract import (
    Accepted,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Refused,
    Reply,
)
from clarion.channels.files import content_type
from clarion.channels.fitting import ensure_addresses
from clarion.channels.graph.calls import GraphCalls, first_in
from clarion.channels.graph.hooks import challenge_of, ensure_signed
from clarion.channels.measuring import Measured
from clarion.channels.replies import as_http, json_object
from clarion.channels.templates.listed import ListedTemplate
from clarion.channels.whatsapp import ids, limits, templates
from clarion.channels.whatsapp.account import digits_of
from clarion.channels.whatsapp.config import (
    AS_REPORTED,
    CATEGORIES,
    FREE_IN_WINDOW,
    SERVICE,
    WhatsAppConfig,
)
from clarion.channels.whatsapp.errors import MEANINGS
from clarion.channels.whatsapp.events import OwnAccount, believable, events_of, person_ids
from clarion.channels.whatsapp.outcomes import refused
from clarion.channels.whatsapp.requests import (
    BODY_LENGTH,
    MOST_REPLIES,
    TEXT_LENGTH,
    body_of,
    needs_upload,
)
from clarion.channels.wording import tidy
from clarion.kit.parts import Media
from clarion.transport.messages import HttpReply, HttpRequest

_SHOWN_NUMBER = re.compile(r"\+?[0-9() .-]{1,30}")
_QUALITIES = frozenset({"GREEN", "YELLOW", "RED"})


class WhatsAppKind:
    """A WhatsApp Business number."""

    kind: ClassVar[str] = "whatsapp"
    label: ClassVar[str] = "WhatsApp"
    account: ClassVar[str] = "a WhatsApp number"
    summary: ClassVar[str] = "Sends from a WhatsApp Business number, through Meta's Cloud API."
    # 80 messages a second and number:
    # https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
    limits: ClassVar[Limits] = Limits(
        rate=80.0,
        text_length=TEXT_LENGTH,
        receipts=frozenset({"delivered", "read", "failed"}),
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link", "reply"}),
        most_buttons=MOST_REPLIES,
        templates=True,
        caption_length=BODY_LENGTH,
        keeps_files=True,
        inbound=True,
        opt_outs=frozenset({"reported"}),
        written_first=True,  # without a window that the person opens, templates alone: code 131047
        window=True,
    )
    id_titles: ClassVar[tuple[str, ...]] = ids.TITLES
    Config: ClassVar[type[BaseModel]] = WhatsAppConfig
    idempotent = False
    unit: ClassVar[tuple[str, str]] = ("message", "messages")
    counts_alone: ClassVar[bool] = False
    price_categories: ClassVar[Mapping[str, str]] = CATEGORIES

    def __init__(self, config: WhatsAppConfig) -> None:
        token = config.token.get_secret_value()
        self._number = config.phone_number_id
        limit = config.messaging_limit
        self.follows_provider = limit == AS_REPORTED
        self.people_a_day = int(limit) if limit.isdecimal() else None
        self.pair_seconds = float(config.pair_seconds)
        rows = prices.parse(config.prices, CATEGORIES)
        self.prices = prices.PriceTable(config.currency, rows)
        self.free_in_window = FREE_IN_WINDOW[config.free_in_window]
        self._country = config.country
        self._waba_id = config.waba_id
        self.account_name = ""
        self._templates_url = f"{config.api_root}/{config.waba_id}/message_templates"
        self._url = f"{config.api_root}/{config.phone_number_id}"
        self._app_secret = config.app_secret.get_secret_value().encode()
        self._verify_token = config.verify_token.get_secret_value()
        self._secrets = (token, config.app_secret.get_secret_value(), self._verify_token)
        self._graph = GraphCalls(token, allow_private=config.allow_private)

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors of its table."""
        return listed(MEANINGS)

    @staticmethod
    def user_id(text: str) -> str:
        """A phone number with its country code, or a business-scoped id. Raises BadIdError."""
        return ids.user_id(text)

    @staticmethod
    def id_part(text: str) -> str:
        """A part of a user id as it is compared, see ``ids.id_part``."""
        return ids.id_part(text)

    @staticmethod
    def rank_id(value: str) -> int:
        """A phone number before a business-scoped id, see ``ids.rank_id``."""
        return ids.rank_id(value)

    def read_id(self, text: str) -> str:
        """As ``user_id``, of a number of the channel's country where it has no other code."""
        return ids.user_id(text, self._country)

    def request(self, message: Outgoing) -> HttpRequest:
        """The POST of one message. Raises Unsendable for what WhatsApp can't send."""
        ensure_addresses(message)
        return self._graph.post(f"{self._url}/messages", body_of(message))

    def outcome(self, reply: Reply) -> Outcome:
        """Accepted is a 2xx with the id of the message; statuses refer to it."""
        http = as_http(reply)
        if 200 <= http.status <= 299:
            answer = json_object(http.body)
            if external_id := payloads.identifier(first_in(answer.get("messages")).get("id")):
                # The number may differ from the one that was sent to: Mexico 52 and 521, Argentina
                # 54 and 549, Brazil with or without its ninth digit.
                ids = person_ids(first_in(answer.get("contacts")), "wa_id", "user_id")
                return Accepted(external_id, believable(ids))
        return refused(http, self._secrets)

    def measure(self, message: Outgoing) -> Measured:
        """One message, and its price where the table has one."""
        number = self.priced_number(message.to)
        return Measured(1, self.prices.match(number, self.price_category(message)).price)

    @staticmethod
    def price_category(message: Outgoing) -> str:
        """That of the template; what is no template is a service message."""
        return message.template.category if message.template is not None else SERVICE

    @staticmethod
    def priced_number(user_id: str) -> str:
        """The number, or the calling code of the country that a business-scoped id begins with."""
        return ids.beginning_of_number(user_id)

    def upload(self, media: Media) -> HttpRequest | None:
        """The upload of a file without a public URL; Meta keeps it for 30 days."""
        if not needs_upload(media) or not media.data:
            return None
        fields = {"messaging_product": "whatsapp", "type": content_type(media)}
        return self._graph.upload(f"{self._url}/media", fields, media)

    def uploaded(self, reply: Reply) -> str | Refused:
        """Meta's id of the file."""
        http = as_http(reply)
        media_id = payloads.identifier(json_object(http.body).get("id"))
        return media_id if 200 <= http.status <= 299 and media_id else refused(http, self._secrets)

    def check(self) -> HttpRequest:
        """Ask for the number itself, which does nothing."""
        fields = "display_phone_number,verified_name,quality_rating"
        if self.follows_provider:
            fields += f",{limits.FIELD}"
        return self._graph.get(f"{self._url}?fields={fields}")

    def limit_reported(self, reply: Reply) -> LimitReported | None:
        """The messaging limit in the reply to ``check``; None where it names none."""
        return limits.reported(json_object(as_http(reply).body).get(limits.FIELD))

    def account_named(self, reply: Reply) -> str:
        """The digits of the number in the reply to ``check``; updates name it by them alone."""
        return digits_of(json_object(as_http(reply).body).get("display_phone_number"))

    def checked(self, reply: Reply) -> str:
        """Which number it is, and its quality. Raises ValueError when token or id are wrong."""
        http = as_http(reply)
        answer = json_object(http.body)
        number = answer.get("display_phone_number")
        if http.status != 200 or not isinstance(number, str):
            raise ValueError(refused(http, self._secrets).reason)
        shown = number if _SHOWN_NUMBER.fullmatch(number) else "?"
        name = tidy(payloads.text(answer.get("verified_name"), 200), self._secrets)
        sentence = f"The token is valid. The number is {shown}{f' ({name})' if name else ''}."
        quality = answer.get("quality_rating")
        if isinstance(quality, str) and quality in _QUALITIES:
            sentence += f" Its quality is {quality.lower()}."
        return sentence

    def register(self, hook_url: str) -> HttpRequest:
        """Set the callback address of this number alone ("webhook override").

        https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
        """
        if not self._app_secret:
            raise ValueError("Set the app secret on this channel first: it proves the callbacks.")
        if not self._verify_token:
            raise ValueError("Set a verify token on this channel first.")
        where = {"override_callback_uri": hook_url, "verify_token": self._verify_token}
        return self._graph.post(self._url, {"webhook_configuration": where})

    def registered(self, reply: Reply) -> str:
        """That callbacks will come. Raises ValueError with what Meta has against the address."""
        http = as_http(reply)
        if http.status == 200 and json_object(http.body).get("success") is True:
            return (
                "Meta now sends messages and statuses of this number to this server. "
                "Your app at Meta must be subscribed to the webhook field “messages”."
            )
        raise ValueError(self._not_registered(http))

    def verify(self, hook: HookRequest) -> None:
        """The signature of the body, by the app secret; without one nothing is believed."""
        ensure_signed(hook, self._app_secret)

    def handshake(self, query: str) -> str:
        """Meta's try of the callback address: the challenge goes back if it knows the token."""
        return challenge_of(query, self._verify_token)

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Statuses of messages, messages of people, and who stopped or resumed marketing."""
        account = OwnAccount(self._number, self._waba_id, self.account_name)
        return events_of(hook, account, self._secrets)

    def list_templates(self, after: str = "") -> HttpRequest:
        """A page of the account's templates, see ``templates.page_url``."""
        if not self._waba_id:
            raise ValueError(
                "Set the WhatsApp Business account id on this channel: the templates belong to it."
            )
        return self._graph.get(templates.page_url(self._templates_url, after))

    def listed_templates(self, reply: Reply) -> tuple[list[ListedTemplate], str]:
        """The templates of a page. Raises ValueError with what Meta has against it."""
        http = as_http(reply)
        page = templates.page_of(http) if http.status == 200 else None
        if page is None:
            raise ValueError(refused(http, self._secrets).reason)
        return page

    def _not_registered(self, reply: HttpReply) -> str:
        """Why Meta does not take the callback address; its code says that of many things."""
        error = payloads.part(json_object(reply.body).get("error"))
        outcome = refused(reply, self._secrets)
        words = tidy(payloads.text(error.get("message")), self._secrets)
        if reply.status == 400 and outcome.code in ("100", "2200") and words:
            return (
                f"Meta refuses the webhook URL of this server: {words}. It must begin with "
                "https:// and be reachable from the internet."
            )
        return outcome.reason
