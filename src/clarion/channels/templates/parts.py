"""What a template consists of, read from the components in which providers list it.

[{"type": "HEADER", "format": "TEXT" | "IMAGE" | "VIDEO" | "DOCUMENT" | "LOCATION", "text"},
{"type": "BODY", "text"}, {"type": "FOOTER", "text"}, {"type": "BUTTONS", "buttons": [{"type",
"text", "url"}]}], with variables such as {{1}} or {{first_name}}.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from clarion.channels import payloads
from clarion.channels.payloads import text

VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
_MEDIA: Final[dict[str, str]] = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
_KNOWN: Final = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS"})
# What needs more than variables when it is sent, by the type of a component or a button.
_SENT_OTHERWISE: Final[dict[str, str]] = {
    "CAROUSEL": "cards to swipe through",
    "LIMITED_TIME_OFFER": "an offer that expires",
    "FLOW": "a button that opens a form",
    "CATALOG": "a button that opens a catalog",
    "MPM": "a button that opens a list of products",
    "SPM": "a button that opens a product",
    "ORDER_DETAILS": "a button to pay an order",
}
ButtonKind = Literal["url", "copy_code", "otp", "reply", "phone", "other"]
_BUTTONS: Final[dict[str, ButtonKind]] = {
    "URL": "url",
    "COPY_CODE": "copy_code",
    "OTP": "otp",
    "QUICK_REPLY": "reply",
    "PHONE_NUMBER": "phone",
}


@dataclass(frozen=True, slots=True)
class TemplateButton:
    """A button below a template."""

    kind: ButtonKind
    label: str
    url: str = ""  # of a link, with its variable, if it has one
    variable: bool = False  # whether a value is sent for it: a code, or the end of its URL


@dataclass(frozen=True, slots=True)
class TemplateParts:
    """A template as people see it, with the variables that each part has, in their order."""

    body: str = ""
    footer: str = ""
    header: str = ""  # its text, where it is one
    header_media: str = ""  # image, video, document, or the provider's word for something else
    buttons: tuple[TemplateButton, ...] = ()
    beyond: str = ""  # a part that variables alone can't fill, in words

    @property
    def body_variables(self) -> list[str]:
        """The names of the variables of the body."""
        return names_in(self.body)

    @property
    def header_variables(self) -> list[str]:
        """The names of the variables of the header's text."""
        return names_in(self.header)

    @property
    def is_named(self) -> bool:
        """Whether its variables have names rather than numbers."""
        names = self.body_variables + self.header_variables
        return any(not name.isdigit() for name in names)


# A variable that has a name ends with it: “body=first_name”.
BODY: Final = "body"
HEADER: Final = "header"  # its text; of a picture, video or document “header:image” and so on
BUTTON: Final = "button"  # “button:1:url”: the end of the URL of the second button; or its code
NAME: Final = "="


def places_of(parts: TemplateParts) -> tuple[str, ...]:
    """Where a template has variables, in the order in which they are filled in.

    The header comes first, then the body, then the buttons.
    """
    places = [f"{HEADER}:{parts.header_media}"] if parts.header_media else []
    end = NAME if parts.is_named else ""
    places += [f"{HEADER}{end}{name if end else ''}" for name in parts.header_variables]
    places += [f"{BODY}{end}{name if end else ''}" for name in parts.body_variables]
    places += [
        # A button with a one-time code is sent as the link that it is: …/authentication-templates
        f"{BUTTON}:{number}:{'url' if button.kind == 'otp' else button.kind}"
        for number, button in enumerate(parts.buttons)
        if button.variable
    ]
    return tuple(places)


def why_not_sendable(parts: TemplateParts) -> str:
    """What a template has that can't be filled in, as what follows its name; "" for nothing."""
    if parts.beyond:
        return f"has {parts.beyond}, which can't be sent yet. Choose another one."
    if parts.header_media not in ("", *_MEDIA.values()):
        return f"has a {parts.header_media} in its header, which can't be sent yet."
    return ""


def names_in(words: str) -> list[str]:
    """The variables of a text, each once, numbers in their order and names as they come."""
    names = list(dict.fromkeys(VARIABLE.findall(words)))
    return sorted(names, key=int) if all(name.isdigit() for name in names) else names


def parts_of(components: Iterable[Mapping[str, Any]]) -> TemplateParts:
    """What a template consists of. Never raises: what is not known is left out."""
    by_type = {
        text(each.get("type"), 20).upper(): each for each in payloads.objects(list(components))
    }
    header = by_type.get("HEADER", {})
    buttons = payloads.objects(by_type.get("BUTTONS", {}).get("buttons"))
    form = text(header.get("format"), 20).upper() if header else ""
    return TemplateParts(
        body=text(by_type.get("BODY", {}).get("text"), 4_000),
        footer=text(by_type.get("FOOTER", {}).get("text"), 200),
        header=text(header.get("text"), 200) if form == "TEXT" else "",
        header_media="" if form in ("", "TEXT") else _MEDIA.get(form, form.lower()),
        buttons=tuple(map(_button, buttons)),
        beyond=_beyond(by_type, buttons),
    )


def _beyond(by_type: Mapping[str, Any], buttons: Iterable[Mapping[str, Any]]) -> str:
    words = [text(button.get("type"), 20).upper() for button in buttons]
    for word in [*by_type, *words]:
        if word in _SENT_OTHERWISE:
            return _SENT_OTHERWISE[word]
    strange = next((word for word in by_type if word not in _KNOWN), "")
    return f"a part “{strange.lower()}”" if strange else ""


def _button(button: Mapping[str, Any]) -> TemplateButton:
    kind = _BUTTONS.get(text(button.get("type"), 20).upper(), "other")
    url = text(button.get("url"), 2_048) if kind == "url" else ""
    variable = kind in ("copy_code", "otp") or bool(VARIABLE.search(url))
    return TemplateButton(kind, text(button.get("text"), 100), url, variable)


def filled(words: str, values: Mapping[str, str]) -> str:
    """A text with values in the place of its variables; one without a value stays as it is."""
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), words)
