"""The pages that scripts/screenshots.py takes, by the names of their pictures.

What is in braces is in the numbers that screenshot_world.py returns.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shot:
    """A page, and what is done on it before its picture is taken."""

    path: str
    button: str = ""  # is clicked, unless an earlier click removed it; by what it is called
    # Are filled in, each time with another ending; by their labels.
    fields: dict[str, str] = field(default_factory=dict)
    ticks: tuple[str, ...] = ()  # boxes, by their labels


Shots = dict[str, Shot]


def _plain(paths: dict[str, str]) -> Shots:
    return {name: Shot(path) for name, path in paths.items()}


EMPTY = _plain(
    {
        "login": "/account/login/",
        "dashboard": "/",
        "broadcasts": "/broadcasts/",
        "compose": "/broadcasts/new/",
        "retention": "/broadcasts/retention/",
        "records": "/records/",
        "clicks": "/clicks/",
        "chats": "/chats/",
        "stories": "/stories/",
        "story-new": "/stories/new/",
        "contacts": "/contacts/",
        "import": "/contacts/import/",
        "consents": "/consents/",
        "consent-new": "/consents/new/",
        "suppressions": "/contacts/suppressions/",
        "suppression-new": "/contacts/suppressions/new/",
        "suppressions-import": "/contacts/suppressions/import/",
        "channels": "/channels/",
        "kinds": "/channels/add/",
        "channel-telegram": "/channels/add/telegram/",
        "channel-whatsapp": "/channels/add/whatsapp/",
        "channel-email": "/channels/add/email/",
        "channel-webhook": "/channels/add/webhook/",
        "defaults": "/channels/defaults/",
        "keywords": "/channels/keywords/",
        "logs": "/logs/",
        "codes": "/codes/",
        "tokens": "/account/tokens/",
        "token-new": "/account/tokens/new/",
        "api-docs": "/api/v1/docs",
        "code-pool-new": "/codes/new/",
        "account": "/account/",
        "password": "/account/password/",
        "not-found": "/no/such/page",
        "tags": "/contacts/tags/",
        "segments": "/contacts/segments/",
        "segment-new": "/contacts/segments/new/",
        "duplicates": "/contacts/duplicates/",
        "unsubscribe-wrong": "/unsubscribe/wrong",
        "preferences-wrong": "/preferences/wrong",
        "confirm-wrong": "/confirm/wrong",
    }
)
FULL = _plain(
    {
        "dashboard": "/",
        "broadcasts": "/broadcasts/",
        "scheduled": "/broadcasts/?section=scheduled",
        "periodic": "/broadcasts/?section=periodic",
        "completed": "/broadcasts/?section=completed",
        "drafts": "/broadcasts/?section=drafts",
        "nothing-found": "/broadcasts/?q=nothing+like+this",
        "broadcast": "/broadcasts/{sale}/",
        "broadcast-leaving": "/broadcasts/{leaving}/",
        "broadcast-scheduled": "/broadcasts/{later}/",
        "broadcast-paused": "/broadcasts/{paused}/",
        "broadcast-stopped": "/broadcasts/{stopped}/",
        "broadcast-periodic": "/broadcasts/{periodic}/",
        "broadcast-trigger": "/broadcasts/{trigger}/",
        "broadcast-external": "/broadcasts/{external}/",
        "runs": "/broadcasts/{periodic}/runs/",
        "recipients": "/broadcasts/{sale}/recipients/",
        "consents-of": "/broadcasts/{sale}/consents/",
        "analytics": "/broadcasts/{sale}/analytics/",
        "activity": "/broadcasts/{sale}/activity/",
        "activity-status": "/broadcasts/{sale}/activity/?group=status",
        "ask-stop": "/broadcasts/{paused}/ask/stop/",
        "ask-restart": "/broadcasts/{stopped}/ask/restart/",
        "ask-rate": "/broadcasts/{paused}/ask/rate/",
        "compose": "/broadcasts/{draft}/edit/",
        "picker": "/picker/{draft}/",
        "retention": "/broadcasts/retention/",
        "records": "/records/",
        "errors": "/records/?broadcast={sale}&status=error",
        "records-none": "/records/?user=nobody-has-this",
        "record": "/records/5/",
        "clicks": "/clicks/",
        "clicks-filtered": "/clicks/?clicked_by=scanner&first=yes&url=shop",
        "chats": "/chats/",
        "chat": "/chats/{chat}/",
        "stories": "/stories/",
        "story": "/stories/{story}/",
        "logs": "/logs/",
        "log": "/logs/{sale}/?list=failed",
        "log-chat": "/logs/{sale}/chats/1000/",
        "contacts": "/contacts/",
        "contacts-none": "/contacts/?q=nobody-has-this",
        "contact": "/contacts/{person}/",
        "import-done": "/contacts/import/1/",
        "consents": "/consents/",
        "consent": "/consents/{consent}/",
        "consent-asks": "/consents/{asks}/",
        "consent-remove": "/consents/{consent}/remove/",
        "suppressions": "/contacts/suppressions/",
        "suppression-remove": "/contacts/suppressions/{suppression}/remove/",
        "suppression-lift": "/contacts/suppressions/addresses/{opted_out}/",
        "why": "/broadcasts/{sale}/why/",
        "contact-edit": "/contacts/{person}/edit/",
        "contact-address": "/contacts/{person}/addresses/new/",
        "contact-delete": "/contacts/{person}/delete/",
        "contact-merge": "/contacts/{person}/merge/?with=3",
        "contact-merge-choose": "/contacts/{person}/merge/?q=a",
        "duplicates": "/contacts/duplicates/",
        "tags": "/contacts/tags/",
        "tag-edit": "/contacts/tags/1/",
        "tag-merge": "/contacts/tags/1/merge/?into=2",
        "tag-delete": "/contacts/tags/1/delete/",
        "contact-why": "/contacts/{person}/why/",
        "why-contact": "/broadcasts/{sale}/why/{buyer}/",
        "codes": "/codes/",
        "code-pool": "/codes/{pool}/",
        "code-pool-edit": "/codes/{pool}/edit/",
        "code-pool-delete": "/codes/{pool}/delete/",
        "code": "/codes/code/",
        "channels": "/channels/",
        "channel": "/channels/1/",
        "channel-paused": "/channels/3/",
        "keywords": "/channels/keywords/",
        "broadcast-failed": "/broadcasts/{failed_broadcast}/",
        "record-failed": "/records/{failed_record}/",
        "log-failed": "/logs/{failed_broadcast}/chats/{failed_delivery}/",
        "ask-restart-cause": "/broadcasts/{failed_broadcast}/ask/restart/?cause={cause}",
        "contact-clicked": "/contacts/{clicker}/",
        "contact-merged": "/contacts/{kept}/",
        "contact-unmerge": "/contacts/{kept}/merges/{merge}/undo/",
        "contact-opt-out": "/contacts/{person}/addresses/{person_address}/opt-out/",
        "contact-consents": "/contacts/{person}/consents/",
        "tag-used": "/contacts/tags/{used_tag}/delete/",
        "tokens": "/account/tokens/",
        "token-revoke": "/account/tokens/{token}/revoke/",
        "preferences": "/preferences/{preferences}",
        "confirm": "/confirm/{confirm}",
        "unsubscribe": "/unsubscribe/{unsubscribe}",
    }
)
HOSTILE = _plain(
    {
        "broadcasts": "/broadcasts/",
        "completed": "/broadcasts/?section=completed",
        "drafts": "/broadcasts/?section=drafts",
        "broadcast": "/broadcasts/{sending}/",
        "broadcast-paused": "/broadcasts/{paused}/",
        "broadcast-completed": "/broadcasts/{completed}/",
        "ask-stop": "/broadcasts/{sending}/ask/stop/",
        "compose": "/broadcasts/{draft}/edit/",
        "picker": "/picker/{draft}/",
        "stories": "/stories/",
        "story": "/stories/{story}/",
        "contacts": "/contacts/",
        "contact": "/contacts/{person}/",
        "contact-edit": "/contacts/{person}/edit/",
        "import": "/contacts/import/{import}/",
        "consents": "/consents/",
        "suppressions": "/contacts/suppressions/",
        "channels": "/channels/",
        "channel": "/channels/{channel}/",
        "contact-delete": "/contacts/{person}/delete/",
        "contact-merge": "/contacts/{person}/merge/?with={other}",
        "contact-merge-choose": "/contacts/{person}/merge/?q=a",
        "contact-opt-out": "/contacts/{person}/addresses/{address}/opt-out/",
        "contact-address": "/contacts/{person}/addresses/new/",
        "duplicates": "/contacts/duplicates/",
        "tags": "/contacts/tags/",
        "tag-edit": "/contacts/tags/{tag}/",
        "tag-merge": "/contacts/tags/{tag}/merge/?into={other_tag}",
        "tag-delete": "/contacts/tags/{tag}/delete/",
        "tokens": "/account/tokens/",
        "clicks": "/clicks/?q={text}",
        "suppression-remove": "/contacts/suppressions/{suppression}/remove/",
        "consent": "/consents/{consent}/",
        "preferences": "/preferences/{preferences}",
        "confirm": "/confirm/{confirm}",
    }
)
# What a page says to a form that is not filled in, and more.
CLICKED: Shots = {
    "compose-refused": Shot("/broadcasts/new/", "Send"),
    "story-refused": Shot("/stories/new/", "Save story"),
    "channel-refused": Shot("/channels/add/telegram/", "Add channel"),
    "import-refused": Shot("/contacts/import/", "Check file"),
    "why-request": Shot("/broadcasts/{sale}/why/{buyer}/", "Request and reply"),
    "token-refused": Shot("/account/tokens/new/", "Create token"),
    "suppression-refused": Shot("/contacts/suppressions/new/", "Add entry"),
    "preferences-saved": Shot("/preferences/{preferences}", "Save preferences"),
    "confirmed": Shot("/confirm/{confirmed}", "Confirm"),
    "unsubscribed": Shot("/unsubscribe/{unsubscribe_from}", "Unsubscribe"),
    "token-created": Shot(
        "/account/tokens/new/", "Create token", {"Name": "Till"}, ("Read contacts and tags",)
    ),
}
