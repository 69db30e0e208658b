"""What only e-mails have, as options: for ``send`` and ``drafts edit``."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import typer

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


@dataclass(frozen=True, slots=True)
class MailOptions:
    """What only e-mails have, each with variables; an empty text removes it. See option_groups."""

    SECTION: ClassVar[str] = "E-mail"

    preheader: Preheader = None
    from_name: FromName = None
    reply_to: ReplyTo = None

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes, of what is given."""
        mail = {name: value for name, value in asdict(self).items() if value is not None}
        return {"mail": mail} if mail else {}
