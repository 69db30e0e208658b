"""The blocks that a story is made of: their fields, and what can be wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from clarion.content.errors import ContentError, Fault, StoryError
from clarion.content.faults import sentences
from clarion.content.rendering import compile_text
from clarion.kit import standard_webhooks, vault
from clarion.kit.markup.pieces import MarkupError
from clarion.kit.markup.reading import FORMATS, check_template
from clarion.kit.numbers import parse_id
from clarion.kit.text import clean
from clarion.transport.errors import NotSent
from clarion.transport.head import parse_url

KINDS: Final = ("text", "image", "file", "buttons", "webhook")
MOST_BLOCKS: Final = 20
MOST_BUTTONS: Final = 10
_BRACES = ("{{", "{%", "{#")


def _tidy(text: str) -> str:
    return clean(text, max(len(text), 1)).replace("\r\n", "\n")


Long = Annotated[str, AfterValidator(_tidy)]  # bounded by compile_text
Line = Annotated[str, Field(max_length=300), AfterValidator(_tidy)]
Address = Annotated[str, Field(max_length=2_000), AfterValidator(_tidy)]
Token = Annotated[str, Field(pattern=r"\A[a-z0-9]{0,16}\z")]
Format = Literal["text", "chat_html", "markdownv2"]  # how a text is written, see kit.markup


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TextBlock(_Part):
    """One message of text."""

    kind: Literal["text"] = "text"
    text: Long
    format: Format = "text"


class ImageBlock(_Part):
    """One image: at an address, or uploaded (``media`` is its token)."""

    kind: Literal["image"] = "image"
    url: Address = ""
    media: Token = ""
    caption: Long = ""
    format: Format = "text"


class FileBlock(_Part):
    """One file: at an address, or uploaded (``media`` is its token)."""

    kind: Literal["file"] = "file"
    url: Address = ""
    media: Token = ""
    name: Line = ""  # what it is called at the receiver's; else as it is in the address
    caption: Long = ""
    format: Format = "text"


class BlockButton(_Part):
    """A button as written: a link to open, an answer to send back, a story to get."""

    kind: Literal["link", "reply", "story"]
    label: Line
    value: Address = ""  # the address; the text sent back (empty: the label); the story's id

    @field_validator("value", mode="before")
    @classmethod
    def _id_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ButtonsBlock(_Part):
    """One message of text with buttons below it."""

    kind: Literal["buttons"] = "buttons"
    text: Long
    format: Format = "text"
    buttons: Annotated[list[BlockButton], Field(min_length=1, max_length=MOST_BUTTONS)]


class WebhookBlock(_Part):
    """A program of yours that is asked what this person gets: 0 to 20 messages."""

    kind: Literal["webhook"] = "webhook"
    url: Address
    secret: SecretStr = SecretStr("")  # signs what is posted (Standard Webhooks)
    timeout: Annotated[float, Field(ge=1, le=30)] = 10.0  # seconds
    allow_private: bool = False

    @field_validator("secret")
    @classmethod
    def _is_secret(cls, value: SecretStr) -> SecretStr:
        standard_webhooks.key_of(value.get_secret_value())
        return value


Block = TextBlock | ImageBlock | FileBlock | ButtonsBlock | WebhookBlock
_ADAPTER: TypeAdapter[Block] = TypeAdapter(Annotated[Block, Field(discriminator="kind")])


def parse_blocks(raw: object) -> list[Block]:
    """The blocks of a story as an agent wrote them.

    Raises StoryError with one sentence a fault, each naming its block.
    """
    if not isinstance(raw, list):
        raise StoryError("The blocks of a story must be a list.")
    if not raw:
        raise StoryError("The story is empty. Add a block.")
    if len(raw) > MOST_BLOCKS:
        raise StoryError(f"A story may have {MOST_BLOCKS} blocks at most. Remove some.")
    blocks: list[Block] = []
    faults: list[Fault] = []
    for number, fields in enumerate(raw, 1):
        try:
            block = shape(fields)
        except ValidationError as error:
            faults += [Fault(number, field, sentence) for field, sentence in sentences(error)]
        else:
            faults += [Fault(number, field, sentence) for field, sentence in _faults(block)]
            blocks.append(block)
    if faults:
        raise StoryError(*faults)
    return blocks


def shape(fields: object) -> Block:
    """One block by its fields alone: texts are not looked at. Raises pydantic.ValidationError."""
    return _ADAPTER.validate_python(fields)


def to_stored(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """The blocks as a version keeps them: a webhook's secret is sealed, and then called so.

    A plain text has no format.
    """
    stored = []
    for block in blocks:
        fields = block.model_dump(mode="json")
        if fields.get("format") == "text":
            del fields["format"]
        if isinstance(block, WebhookBlock):
            del fields["secret"]
            if secret := block.secret.get_secret_value():
                fields["sealed"] = vault.seal(secret)
        stored.append(fields)
    return stored


def from_stored(stored: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The blocks of a version, secrets opened. Raises StoryError."""
    opened = []
    for number, fields in enumerate(stored, 1):
        plain = dict(fields)
        if sealed := plain.pop("sealed", ""):
            try:
                plain["secret"] = vault.open_sealed(sealed)
            except vault.SealedError as error:
                raise StoryError(Fault(number, "secret", str(error))) from None
        opened.append(plain)
    return parse_blocks(opened)


def check_address(url: str) -> None:
    """Raise ContentError with a sentence unless this is an http(s) URL."""
    try:
        parse_url(url, allow_private=True)
    except NotSent as refused:
        raise ContentError(refused.reason) from None


def story_value(story_id: str) -> str:
    """The value of a reply button that sends a story. Raises ContentError for what is no id."""
    number = parse_id(story_id)
    if number is None:
        raise ContentError("Choose the story that the button sends.")
    return f"story:{number}"


def _faults(block: Block) -> Iterator[tuple[str, str]]:
    """Field and sentence for what the fields hold that can't be sent."""
    match block:
        case TextBlock():
            yield from _text("text", block.text, "The text is empty. Write one.", block.format)
        case ImageBlock() | FileBlock():
            yield from _source(block)
            if isinstance(block, FileBlock):
                yield from _text("name", block.name)
            yield from _text("caption", block.caption, markup=block.format)
        case ButtonsBlock():
            empty = "The text above the buttons is empty. Write one."
            yield from _text("text", block.text, empty, block.format)
            for index, button in enumerate(block.buttons):
                yield from _button(f"buttons.{index}", button)
        case WebhookBlock():
            if any(brace in block.url for brace in _BRACES):
                yield "url", "This URL can't contain variables: the contact is in what is posted."
            else:
                yield from _address("url", block.url)


def _source(block: ImageBlock | FileBlock) -> Iterator[tuple[str, str]]:
    what = "an image" if block.kind == "image" else "a file"
    if block.url and block.media:
        yield "url", f"Give an address or upload {what}, not both."
    elif block.url:
        yield from _address("url", block.url)
    elif not block.media:
        yield "url", f"Give an address, or upload {what}."


def _button(field: str, button: BlockButton) -> Iterator[tuple[str, str]]:
    yield from _text(f"{field}.label", button.label, "The button has no words. Write some.")
    match button.kind:
        case "link":
            yield from _address(f"{field}.value", button.value)
        case "reply":
            yield from _text(f"{field}.value", button.value)
        case "story":
            try:
                story_value(button.value)
            except ContentError as error:
                yield f"{field}.value", str(error)


def _text(
    field: str, text: str, when_empty: str = "", markup: str = ""
) -> Iterator[tuple[str, str]]:
    if when_empty and not text.strip():
        yield field, when_empty
        return
    try:
        compile_text(text)
        if markup in FORMATS:
            check_template(text, markup)
    except (ContentError, MarkupError) as error:
        yield field, str(error)


def _address(field: str, url: str) -> Iterator[tuple[str, str]]:
    """An address may hold variables; then it is looked at when it is filled in."""
    try:
        if not url.strip():
            raise ContentError("The address is missing. Write one that begins with https://.")
        if any(brace in url for brace in _BRACES):
            compile_text(url)
        else:
            check_address(url)
    except ContentError as error:
        yield field, str(error)
