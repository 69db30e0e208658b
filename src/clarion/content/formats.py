"""How a text can be written: as it is shown, as the body of an e-mail, or with markup of chats."""

from typing import Final, Literal, get_args

from clarion.kit.markup import reading

TEXT: Final = "text"
BODY_FORMATS: Final = ("markdown", "html", "mjml")
FORMATS: Final = (TEXT, *BODY_FORMATS, *reading.FORMATS)
Format = Literal["text", "markdown", "html", "mjml", "chat_html", "markdownv2"]
assert get_args(Format) == FORMATS
