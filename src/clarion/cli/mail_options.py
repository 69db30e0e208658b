"""What only e-mails have, as options: for ``send`` and ``drafts edit``."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from clarion.cli.content_options import read
from clarion.cli.failures import Failed

_PIECE = 1_000_000  # bytes that are read at a time

Preheader = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What mail programs show after the subject in their lists."),
]
FromName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The sender's name, instead of the channel's."),
]
ReplyTo = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Where replies go, instead of the channel's reply-to."),
]


LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="LAYOUT",
        help="The layout around it, by name or number; none for none.  [default: the default]",
    ),
]
PlainText = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The plain text beside the HTML, instead of the one that is made of it. @FILE reads "
        "it from a file.",
    ),
]

TrackOpens = Annotated[
    bool | None,
    typer.Option(
        "--track-opens/--no-track-opens",
        help="Put an invisible image of this server into e-mails, and count who loads it. The "
        "number is unreliable. Needs CLARION_PUBLIC_URL.  [default: no-track-opens]",
    ),
]


Images = Annotated[
    Literal["hosted", "inline"] | None,
    typer.Option(
        help="Where uploaded pictures are: on this server, or in the e-mail itself.  "
        "[default: hosted]",
    ),
]
Attach = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="Attach a file of up to 10 MB; repeatable. The files replace the draft's attachments. "
        "An empty text removes all.",
    ),
]


@dataclass(frozen=True, slots=True)
class MailOptions:
    """What only e-mails have, texts with variables; an empty text removes it. See option_groups."""

    SECTION: ClassVar[str] = "E-mail"

    preheader: Preheader = None
    from_name: FromName = None
    reply_to: ReplyTo = None
    layout: LayoutName = None
    plain_text: PlainText = None
    track_opens: TrackOpens = None
    images: Images = None
    attach: Attach = None

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes, of what is given. Raises ContentError."""
        from clarion.content.mail.layouts import NONE, find_layout

        mail = {name: value for name, value in asdict(self).items() if value is not None}
        opens = {"track_opens": mail.pop("track_opens")} if "track_opens" in mail else {}
        if (files := mail.pop("attach", None)) is not None:
            mail["attachments"] = [_uploaded(name) for name in files if name]
        if self.layout not in {None, "", NONE}:
            mail["layout"] = str(find_layout(self.layout or "").pk)
        if self.plain_text is not None:
            mail["plain_text"] = read(self.plain_text)
        return {"mail": mail, **opens} if mail else opens


def _uploaded(name: str) -> str:
    """The token of a file that is uploaded. Raises ContentError for one that is too large."""
    from clarion.content.media import save_upload

    try:
        with Path(name).open("rb") as file:
            return save_upload(Path(name).name, "", iter(lambda: file.read(_PIECE), b"")).token
    except OSError as error:
        raise Failed(f"“{name}” can't be read: {error.strerror}. Check the path.") from None
