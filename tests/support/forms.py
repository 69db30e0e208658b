"""The form of a page, filled in as a browser would send it without a change."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


def fields_of(html: str, form_id: str) -> dict[str, list[str]]:
    """The values that a browser sends with this form, by name; buttons and files are left out."""
    reader = _Reader(form_id)
    reader.feed(html)
    reader.close()
    assert reader.seen, f"the page has no form with the id {form_id}"
    return reader.values


@dataclass
class _Option:
    value: str | None  # None: its text is the value
    selected: bool
    text: str = ""

    def sent(self) -> str:
        return self.text.strip() if self.value is None else self.value


@dataclass
class _Select:
    name: str
    options: list[_Option] = field(default_factory=list)

    def sent(self) -> str:
        chosen = [one for one in self.options if one.selected]
        return (chosen[-1] if chosen else self.options[0]).sent()


class _Reader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.seen = False
        self._form_id = form_id
        self._inside = False
        self._select: _Select | None = None
        self._text_name: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = attributes.get("id") == self._form_id
            self.seen |= self._inside
        if not self._inside:
            return
        if tag == "option" and self._select is not None:
            self._select.options.append(_Option(attributes.get("value"), "selected" in attributes))
        name = attributes.get("name", "")
        if not name or "disabled" in attributes:
            return
        if tag == "input" and attributes.get("type") not in {"submit", "button", "file"}:
            is_box = attributes.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in attributes:
                self._add(name, attributes.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = _Select(name)
        elif tag == "textarea":
            self._text_name, self._text = name, ""

    def handle_data(self, data: str) -> None:
        if self._text_name is not None:
            self._text += data
        elif self._select is not None and self._select.options:
            self._select.options[-1].text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select" and self._select is not None:
            select, self._select = self._select, None
            if select.options:  # a browser sends nothing for a list without any
                self._add(select.name, select.sent())
        elif tag == "textarea" and self._text_name is not None:
            # HTML drops a line break right after the tag, and sends CR LF at the end of each line.
            text = self._text.removeprefix("\n").replace("\n", "\r\n")
            self._add(self._text_name, text)
            self._text_name = None

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)
