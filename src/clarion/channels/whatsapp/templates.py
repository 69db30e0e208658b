"""The list of an account's templates, and what callbacks report of them.

https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
and …/whatsapp/webhooks/reference/message_template_status_update, …_quality_update and
…/template_category_update. Meta's words are kept in lower case.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from clarion.channels import payloads
from clarion.channels.contract import Event, Ignored
from clarion.channels.replies import json_object
from clarion.channels.templates.listed import ListedTemplate, TemplateChanged
from clarion.transport.messages import HttpReply

_FIELDS: Final = "id,name,language,status,category,quality_score,components"
# Meta writes every letter outside ASCII as six bytes, and the samples of a template with it: one
# has a few kilobytes, in other alphabets up to some twenty. A reply has at most a megabyte.
_PAGE = 40  # templates
_LARGEST = 1_048_576  # bytes of a page
# What happened to a template, where that is its status from then on. Of everything else, such as
# “reinstated”, “unarchived” or “flagged”, which is a warning, the list tells the status.
_STATUSES: Final = frozenset({
    "approved", "pending", "rejected", "paused", "disabled", "deleted", "pending_deletion",
    "archived", "in_appeal", "limit_exceeded",
})  # fmt: skip
_NAMELESS = Ignored("An update about a template does not name it.")
# The updates of an account, and what in them says what has become of the template.
CHANGES: Final[Mapping[str, str]] = {
    "message_template_status_update": "event",
    "message_template_quality_update": "new_quality_score",
    "template_category_update": "new_category",
}


def page_url(url: str, after: str) -> str:
    """The URL of a page of the list; ``after`` is where the last page ended."""
    next_page = f"&after={quote(after, safe='')}" if after else ""
    return f"{url}?fields={_FIELDS}&limit={_PAGE}{next_page}"


def page_of(reply: HttpReply) -> tuple[list[ListedTemplate], str] | None:
    """The templates of a page, and where it ended; None for what is no page."""
    answer = json_object(reply.body, _LARGEST)
    if not isinstance(answer.get("data"), list):
        return None
    listed = [template for each in payloads.objects(answer["data"]) if (template := _listed(each))]
    paging = payloads.part(answer.get("paging"))
    after = payloads.part(paging.get("cursors")).get("after") if paging.get("next") else ""
    return listed, payloads.text(after, 2_000)


def _listed(each: Mapping[str, Any]) -> ListedTemplate | None:
    name, language = payloads.text(each.get("name"), 512), payloads.text(each.get("language"), 20)
    if not name or not language:
        return None
    return ListedTemplate(
        name,
        language,
        _word(each.get("status")),
        _word(each.get("category")),
        _quality(payloads.part(each.get("quality_score")).get("score")),
        tuple(payloads.objects(each.get("components"))),
        payloads.identifier(each.get("id"))[:64],
    )


def change_of(field: str, value: Mapping[str, Any]) -> Event:
    """What an update with one of the fields CHANGES reports."""
    name = payloads.text(value.get("message_template_name"), 512)
    language = payloads.text(value.get("message_template_language"), 20)
    word = _word(value.get(CHANGES[field]))
    if not name or not language or not word:
        return _NAMELESS
    if field == "message_template_status_update":
        return TemplateChanged(name, language, status=word if word in _STATUSES else None)
    if field == "message_template_quality_update":
        return TemplateChanged(name, language, quality=_quality(word))
    return TemplateChanged(name, language, category=word)


def _word(value: object) -> str:
    return payloads.text(value, 30).lower()


def _quality(value: object) -> str:
    word = _word(value)
    return "" if word == "unknown" else word
