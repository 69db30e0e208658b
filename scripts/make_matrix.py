"""Write docs/channels/matrix.md: what each channel kind can do, as the registry says.

`scripts/make_matrix.py` writes it; with `--check` it fails when it is not up to date. That the
registry says the truth is what tests/channels/test_contract.py tests.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from clarion.channels.contract import ChannelKind

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "channels" / "matrix.md"
COLUMNS = (
    "platform", "text", "formats", "media", "buttons", "templates", "batch", "delivered", "read",
    "failed later", "inbound", "opt-out", "repeats",
)  # fmt: skip
FOOT = """
- **text**: the most characters of a message. Where the platform counts emoji as two, or bytes, so
  does Clarion.
- **formats**: which [formats for chats](../formats.md) it shows; others get the text without
  markup. E-mails have [formats of their own](../email.md#format-of-the-text).
- **media**: pictures and files that a message can carry. What the platform can't send is refused
  before the broadcast is sent.
- **buttons**: links, and replies that come back as a message; the number is the most under one
  message.
- **templates**: whether the platform approves messages beforehand.
- **batch**: the most recipients of one request, if their messages are the same. Each of them
  has a record of its own.
- **delivered**, **read**, **failed later**: what the platform reports after it has accepted a
  message. What it does not report is shown as “not reported”, never as 0 %.
- **inbound**: whether messages from contacts arrive, and with them STOP and similar words. On
  E-mail, this and *failed later* need a [mailbox for bounces](email.md#bounces).
- **opt-out**: besides those words, how contacts opt out: by a link in every message, or because the
  platform reports that they left, blocked the account or objected.
- **repeats**: whether a message that is sent again after a lost connection reaches the contact
  only once. Where nothing ensures that, such a message is in doubt and is not sent again
  automatically.

This page is written by `scripts/make_matrix.py` from the registry of the platforms, and the
contract test compares what it says with requests and callbacks of each.
"""


def main(arguments: list[str]) -> int:
    """Write or compare the page; return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
    os.environ.setdefault("CLARION_SECRET_KEY", "only-for-writing-the-matrix-" + "0" * 40)
    django.setup()
    from clarion.channels.registry import KINDS

    rows = [row(COLUMNS), row(["---"] * len(COLUMNS)), *(row(cells(k)) for k in KINDS.values())]
    text = "\n".join(["# What each platform can do", "", *rows, FOOT])
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is not up to date. Run scripts/make_matrix.py")
        return 1
    return 0


def row(texts: Iterable[str]) -> str:
    """A line of the table."""
    return f"| {' | '.join(texts)} |"


def cells(kind: "type[ChannelKind]") -> Iterator[str]:
    """What stands in the columns, in their order."""
    limits = kind.limits
    yield f"[{kind.label}]({kind.kind}.md)"
    yield f"{limits.text_length:,}{' bytes' if limits.utf8 else ''}"
    names = (("chat_html", "HTML"), ("markdownv2", "MarkdownV2"))
    yield ", ".join(label for name, label in names if name in limits.formats) or "–"
    media = [
        noun for name, noun in (("image", "picture"), ("file", "file")) if name in limits.media
    ]
    yield ", ".join(media) or "–"
    buttons = [name for name in ("link", "reply") if name in limits.buttons]
    yield f"{', '.join(buttons)} ({limits.most_buttons})" if buttons else "–"
    yield yes(limits.templates)
    yield f"{limits.most_recipients}" if limits.most_recipients > 1 else "–"
    for status in ("delivered", "read", "failed"):
        yield yes(status in limits.receipts)
    yield yes(limits.inbound)
    yield ", ".join(word for word in ("link", "reported") if word in limits.opt_outs) or "–"
    setting = "idempotent" in kind.Config.model_fields
    yield "if set" if setting else "once" if limits.idempotent else "in doubt"


def yes(ability: bool) -> str:
    """A word for a cell."""
    return "yes" if ability else "–"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
