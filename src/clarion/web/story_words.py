"""Words for the blocks and buttons of stories."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

Text = str | Promise


@dataclass(frozen=True, slots=True)
class BlockWord:
    """A kind of block: its name, its icon, and how several are counted."""

    label: Text
    icon: str
    counted: Text  # to be filled in with % number


BLOCKS: dict[str, BlockWord] = {
    "text": BlockWord(_("Text"), "text-size", ngettext_lazy("%d text", "%d texts")),
    "image": BlockWord(_("Image"), "photo", ngettext_lazy("%d image", "%d images")),
    "file": BlockWord(_("File"), "file", ngettext_lazy("%d file", "%d files")),
    "buttons": BlockWord(
        _("Buttons"), "hand-click", ngettext_lazy("%d with buttons", "%d with buttons")
    ),
    "webhook": BlockWord(_("Webhook"), "webhook", ngettext_lazy("%d webhook", "%d webhooks")),
}

BUTTONS: dict[str, Text] = {
    "link": _("Opens a link"),
    "reply": _("Sends an answer"),
    "story": _("Sends a story"),
}
