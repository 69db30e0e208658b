"""What is unwise about an e-mail, though it can be sent: in sentences that say what to do."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.content.mail.bodies import Body, links_of

# Gmail shows the first 102 kB of a message's HTML and hides the rest behind a link.
CLIPPED: Final = 102 * 1024
HEAVY: Final = 2_000_000  # bytes of an e-mail with its files
LONG_SUBJECT: Final = 70  # characters; phones list about 40, desktops about 70
SHORT_PREHEADER, LONG_PREHEADER = 30, 130  # characters
_MOST_NAMED: Final = 3  # links or pictures that a sentence names
_PIECE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_LETTERS: Final = re.compile(r"[^\W\d_]")
_REMOVED: Final = frozenset({"script", "form", "iframe", "object", "embed", "video", "audio"})
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms"})


def advice_on_head(subject: str, preheader: str) -> Iterator[str]:
    """What is unwise about a subject and a preheader, as they are written."""
    words = _PIECE.sub("", subject).strip()
    letters = _LETTERS.findall(words)
    if not subject.strip():
        yield _("The e-mail has no subject, so its first line is used. Write a title.")
    if len(letters) >= 8 and words == words.upper() and words != words.lower():
        yield _(
            "The subject is in capital letters. Spam filters count that: write it in sentence case."
        )
    if words.count("!") + words.count("?") > 2 or "!!" in words:
        yield _(
            "The subject has many exclamation or question marks. Spam filters count them: use one."
        )
    if len(words) > LONG_SUBJECT:
        yield _(
            "The subject has %(count)s characters; mail programs show about %(most)s. Put what "
            "matters first."
        ) % {"count": len(words), "most": LONG_SUBJECT}
    shown = _PIECE.sub("", preheader).strip()
    if not preheader.strip():
        yield _(
            "There is no preheader, so mail programs show the beginning of the text after the "
            "subject. Write one."
        )
    elif len(shown) > LONG_PREHEADER:
        yield _(
            "The preheader has %(count)s characters; mail programs show about %(most)s. Shorten it."
        ) % {"count": len(shown), "most": 100}
    elif len(shown) < SHORT_PREHEADER and shown == preheader.strip():
        yield _(
            "The preheader is short, so mail programs add the beginning of the text. Use 40 to "
            "100 characters."
        )


def advice_on_body(body: Body, *, has_address: bool, can_unsubscribe: bool) -> Iterator[str]:
    """What is unwise about the HTML of an e-mail. ``has_address``: a postal address is shown."""
    size = len(body.html.encode())
    if size > CLIPPED:
        yield _(
            "The HTML has %(size)s kB. Gmail shows the first 102 kB and hides the rest: shorten it."
        ) % {"size": size // 1024}
    page = _Page()
    page.feed(body.html)
    page.close()
    if page.without_alt:
        named = _named(page.without_alt)
        yield ngettext(
            "A picture has no alternative text: %(named)s. Add an alt attribute, which is "
            "shown until pictures are loaded.",
            "%(count)s pictures have no alternative text: %(named)s. Add an alt attribute, "
            "which is shown until pictures are loaded.",
            len(page.without_alt),
        ) % {"count": len(page.without_alt), "named": named}
    for tag in sorted(page.removed):
        yield _("Mail programs remove <%(tag)s>. Leave it out, or use a link.") % {"tag": tag}
    broken = [target for target in dict.fromkeys(links_of(body)) if not _is_link(target)]
    if broken:
        yield ngettext(
            "A link leads nowhere: %(named)s. Write its whole address, with https://.",
            "%(count)s links lead nowhere: %(named)s. Write their whole addresses, with https://.",
            len(broken),
        ) % {"count": len(broken), "named": _named([target or _("(empty)") for target in broken])}
    if len(re.sub(r"\s", "", body.text)) == 0:
        yield _("The plain-text version is empty: the e-mail is all pictures. Write one yourself.")
    if not has_address:
        yield _(
            "The e-mail shows no postal address, which many countries require in marketing "
            "e-mails. Add it to the layout."
        )
    if not can_unsubscribe:
        yield _(
            "The e-mail has no link to unsubscribe, because this server has no public URL. Set "
            "CLARION_PUBLIC_URL."
        )


def advice_on_files(attachments: int, images: int, size: int) -> Iterator[str]:
    """What an e-mail weighs with its files, in bytes about, and what is unwise about that."""
    megabytes = f"{max(size / 1_000_000, 0.1):,.1f}"
    files = attachments + images
    yield ngettext(
        "The e-mail has about %(size)s MB with its file; base64 makes a file a third larger.",
        "The e-mail has about %(size)s MB with its %(count)s files; base64 makes files a third "
        "larger.",
        files,
    ) % {"size": megabytes, "count": files}
    if size > HEAVY:
        yield _(
            "Heavy e-mails are sent slowly, and full mailboxes refuse them. Link to the file "
            "instead."
        )


def _is_link(target: str) -> bool:
    """Whether a target can be a link, as far as that can be seen in it."""
    if target.startswith("{{"):
        return True
    try:
        parts = urlsplit(_PIECE.sub("x", target))
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        host = parts.hostname or ""
        return ("." in host or ":" in host or "{{" in target) and " " not in _PIECE.sub("", target)
    if target.startswith("#"):
        return len(target) > 1
    return parts.scheme in _SCHEMES and bool(parts.path)


def _named(names: list[str]) -> str:
    more = ", …" if len(names) > _MOST_NAMED else ""
    return ", ".join(name[:60] for name in names[:_MOST_NAMED]) + more


class _Page(HTMLParser):
    """Collects what mail programs don't show."""

    def __init__(self) -> None:
        super().__init__()
        self.without_alt: list[str] = []
        self.removed: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img" and "alt" not in values:
            self.without_alt.append(values.get("src") or "img")
        if tag in _REMOVED:
            self.removed.add(tag)
