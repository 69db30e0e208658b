"""What a message carries beside its text: a picture or file, and buttons.

One pair of types for stories, which make them, and for channels, which send them; neither package
imports the other.
"""

from dataclasses import dataclass
from typing import Literal

# What a message is for. single: it goes to one contact alone; automatic: it does, and is an answer
# that nobody wrote at that moment.
Purpose = Literal["broadcast", "single", "automatic"]


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a file. It has bytes, a public URL, or both."""

    kind: Literal["image", "file"]
    url: str = ""  # where anybody can fetch it; empty for an upload that nobody outside can reach
    name: str = ""  # the file's name, as a person wrote it: a kind makes it safe for its headers
    content_type: str = ""  # such as image/png; empty where unknown
    data: bytes | None = None  # the bytes of an upload
    unread: int = 0  # of an upload that is only measured: how many bytes it has
    token: str = ""  # by which the bytes of one that is only measured are read
    sha256: str = ""  # of the bytes of an upload: it is the same file in every message
    kept_id: str = ""  # the provider's id of the file, which is sent instead of all this
    content_id: str = ""  # by which the HTML of an e-mail shows it (RFC 2392)

    @property
    def size(self) -> int:
        """How many bytes of its own it has; 0 where it is only an address."""
        return len(self.data) if self.data else self.unread


@dataclass(slots=True)  # one for every message, see channels.contract.Outgoing
class Mail:
    """What an e-mail has beside its subject and text, filled in; what is empty has a default."""

    html: str = ""  # its page; without one it is made from the text
    preheader: str = ""  # what mail programs list behind the subject
    from_name: str = ""  # instead of the name of the channel's sender
    reply_to: str = ""  # instead of the channel's: a bare address
    image: str = ""  # the URL of what tells that it is opened
    images: tuple[Media, ...] = ()  # that its page shows by their Content-ID
    attachments: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """What a person can press under a message. One that sends a story is a reply “story:7”."""

    kind: Literal["link", "reply"]
    label: str
    value: str  # a link's URL, or what comes back as ``Inbound.button``
