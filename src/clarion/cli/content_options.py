"""What a broadcast says, as options: for ``send`` and ``drafts edit``."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from clarion.cli.failures import Failed
from clarion.cli.options import chosen, only_with

Text = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="The text. @FILE reads it from a UTF-8 file, @- from standard input."
    ),
]
Story = Annotated[
    str | None, typer.Option(metavar="STORY", help="A story instead of a text, by name or number.")
]
Template = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="A template that the provider has approved, instead of a text."
    ),
]
Language = Annotated[
    str | None, typer.Option(metavar="CODE", help="The template's language, such as en_US.")
]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        "--variable",
        metavar="TEXT",
        help="A variable of the template. Repeat it for each, in order: header, body, buttons.",
    ),
]
Format = Annotated[
    Literal["text", "markdown", "html", "mjml", "chat_html", "markdownv2"] | None,
    typer.Option(
        help="How the text is written: for e-mails markdown, html or mjml, for chats chat_html or "
        "markdownv2.  [default: text]"
    ),
]


@dataclass(frozen=True, slots=True)
class ContentOptions:
    """What it says, as the options name it; see ``option_groups``."""

    SECTION: ClassVar[str] = "Content"

    text: Text = None
    format: Format = None
    story: Story = None
    template: Template = None
    language: Language = None
    variables: Variables = None

    def check(self, *, complete: bool) -> None:
        """Raise BadParameter unless one content is given; or at most one, if not ``complete``."""
        ways = {"--text": self.text, "--story": self.story, "--template": self.template}
        # An empty text is one too: what is wrong with it is reported with the draft.
        way = chosen(
            {option: None if it is None else True for option, it in ways.items()}, required=complete
        )
        if way is not None:
            only_with("--format", self.format, "--text", given=way)
        only_with("--language", self.language, "--template", given=way)
        only_with("--variable", self.variables, "--template", given=way)

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes. Raises StoryError for an unknown story."""
        from clarion.content.stories import find_story

        written = {} if self.format is None else {"format": self.format}
        if self.text is not None:
            return {"data_type": "text", "text": read(self.text), **written}
        if self.story is not None:
            return {"data_type": "story", "story": find_story(self.story)}
        if self.template is not None:
            template: dict[str, Any] = {"name": self.template, "language": self.language or ""}
            return {
                "data_type": "template",
                "template": {**template, "variables": self.variables or []},
            }
        return written


def read(text: str) -> str:
    """The text itself, or the content of the file after the @."""
    if not text.startswith("@"):
        return text
    name = text[1:]
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Failed(
            f"{name} is not UTF-8: see the byte 0x{error.object[error.start]:02x} in line {line}. "
            "Save the file as UTF-8 and try again."
        ) from None
