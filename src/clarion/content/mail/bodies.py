"""From what an agent writes, and a layout, to the two templates of an e-mail."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from typing import Final

import css_inline
import mjml
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, linkify

from clarion.content.errors import ContentError
from clarion.content.mail.plain import plain_text_of
from clarion.content.mail.shielding import Shield
from clarion.content.rendering import HTML_LIMIT

DEEPEST: Final = 400  # elements in one another; the parsers take about ten times as many
_MOST_OPEN: Final = 100
_PAIRS: Final = (
    ("<", ">"), ("<!--", "-->"), ("{{", "}}"), ("{%", "%}"), ("{#", "#}"),
    ("<style", "</style"), ("<script", "</script"), ("<title", "</title"),
    ("<textarea", "</textarea"),
)  # fmt: skip
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_PAGE: Final = re.compile(r"<(?:!doctype|html|body)\b", re.IGNORECASE)
_OWN: Final = r"\{\{-?\s*(%s)\s*-?\}\}"
NO_CONTENT: Final = "The layout shows no content. Write {{ content }} where it belongs."
_CONTENT: Final = re.compile(_OWN % "content")
_FOOTER: Final = re.compile(_OWN % "footer")
_ADDRESS: Final = re.compile(_OWN % "postal_address")
_UNSUBSCRIBE: Final = "unsubscribe_url"
_HREF: Final = re.compile(r'(<a\b[^>]*?\shref=")([^"]*)(")', re.IGNORECASE)
_BODY_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)
_FOOT: Final = "margin:16px 0 0;font-size:13px;line-height:1.5;color:#5f6b7a"
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(
    ["table", "strikethrough", "linkify"]
)
_MOST_NO_LINKS: Final = 50  # each “://” that begins none is looked for in the whole text before it


def _linkify(state: StateInline, silent: bool) -> bool:
    """The rule for links without markup, as long as it is worth it."""
    if not state.src.startswith("://", state.pos) or state.env.get("no_links", 0) > _MOST_NO_LINKS:
        return False
    is_link = linkify(state, silent)
    state.env["no_links"] = state.env.get("no_links", 0) + (not is_link)
    return is_link


_MARKDOWN.inline.ruler.at("linkify", _linkify)
_INLINER: Final = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class LayoutSource:
    """What stands around the content of an e-mail."""

    html: str  # with {{ content }}, and {{ footer }} or its parts
    address: str = ""  # the postal address, of several lines


@dataclass(frozen=True, slots=True)
class Body:
    """The templates of one e-mail."""

    html: str
    text: str  # without the footer: what other channels send, too
    footer: str  # of the text

    @property
    def whole_text(self) -> str:
        """The text with its footer."""
        return f"{self.text}\n\n-- \n{self.footer}" if self.footer else self.text


Relink = Callable[[str], str]  # the marker of a link in the template, from where it leads


def build_body(
    source: str,
    how: str,
    layout: LayoutSource | None,
    *,
    own_text: str = "",
    can_unsubscribe: bool = True,
    relink: Relink | None = None,
) -> Body:
    """The templates of what is written in one of formats.BODY_FORMATS.

    ``layout``: None for none; pages of their own and MJML stand in none. Where neither says it, the
    postal address and the link to unsubscribe are added at the end; the link only if
    ``can_unsubscribe``. ``own_text`` replaces the text that is made of the HTML. Raises
    ContentError.
    """
    for part in (source, layout.html if layout else ""):
        _refuse_endless(part)
    shield = Shield()
    content = _content(source, how, shield)
    if shield.is_statement_first(content) and not _PAGE.search(source):
        # Else the parser moves <html> and <body> behind it: between if and endif.
        page = f"<!DOCTYPE html>\n<html><head></head><body>{content}</body></html>"
    else:
        page = content
    around = None if how == "mjml" or _PAGE.search(source) else layout
    address = layout.address.strip() if layout else ""
    page = _in_layout(around, content, shield, can_unsubscribe) if around else page
    page = _with_foot(page, around, address, shield, can_unsubscribe)
    _refuse_deep(page)
    inlined = _INLINER.inline(page)
    if not inlined.startswith("<!"):
        inlined = f"<!DOCTYPE html>\n{inlined}"
    shield.refuse_lost(inlined)
    if relink is not None:
        inlined = _HREF.sub(lambda match: _relinked(match, shield, relink), inlined)
    text = own_text or shield.show(plain_text_of(content, shield.is_hidden))
    return Body(shield.show(inlined), text, _text_footer(address, text, can_unsubscribe))


def links_of(body: Body) -> Iterator[str]:
    """Where the links of a body lead, as it is written: with variables."""
    shield = Shield()
    for match in _HREF.finditer(shield.hide_in_html(body.html)):
        yield shield.show(unescape(match[2]))


def _content(source: str, how: str, shield: Shield) -> str:
    """The HTML of what is written, its variables hidden."""
    if how == "markdown":
        return str(_MARKDOWN.render(shield.hide_in_markdown(source)))
    hidden = shield.hide_in_html(source)
    if how == "html":
        return hidden
    _refuse_deep(hidden)
    try:
        page = mjml.mjml2html(hidden)
    except ValueError as error:
        raise ContentError(f"The MJML can't be read: {error}. Correct it.") from None
    shield.refuse_lost(page)
    return page


def _in_layout(layout: LayoutSource, content: str, shield: Shield, can_unsubscribe: bool) -> str:
    address = _address_html(layout.address)
    source = _ADDRESS.sub(lambda _: address, layout.html)
    foot = "".join(_foot(layout.address, is_linked=can_unsubscribe))
    source = _FOOTER.sub(lambda _: foot, source)
    marker = _CONTENT.search(source)
    if marker is None:
        raise ContentError(NO_CONTENT)
    before, after = source[: marker.start()], source[marker.end() :]
    return shield.hide_in_html(before) + content + shield.hide_in_html(after)


def _with_foot(
    page: str, layout: LayoutSource | None, address: str, shield: Shield, can_unsubscribe: bool
) -> str:
    """The page with the address and the link to unsubscribe that it lacks, at its end."""
    has_address = layout is not None and bool(
        _ADDRESS.search(layout.html) or _FOOTER.search(layout.html)
    )
    has_link = any(_UNSUBSCRIBE in piece for piece in shield.pieces())
    lacking = _foot("" if has_address else address, is_linked=can_unsubscribe and not has_link)
    foot = shield.hide_in_html("".join(lacking))
    if not foot:
        return page
    ends = list(_BODY_END.finditer(page))
    at = ends[-1].start() if ends else len(page)
    return page[:at] + foot + page[at:]


def _foot(address: str, *, is_linked: bool) -> list[str]:
    """The paragraphs at the end of a page."""
    lines = [f'<p class="foot" style="{_FOOT}">{_address_html(address)}</p>'] if address else []
    if is_linked:
        link = f'<a href="{{{{ {_UNSUBSCRIBE} }}}}" style="color:inherit">Unsubscribe</a>'
        lines.append(f'<p class="foot" lang="en" style="{_FOOT}">{link}</p>')
    return lines


def _address_html(address: str) -> str:
    return escape(address.strip(), quote=False).replace("\n", "<br>\n")


def _text_footer(address: str, text: str, can_unsubscribe: bool) -> str:
    lines = [address] if address else []
    if can_unsubscribe and _UNSUBSCRIBE not in text:
        lines.append(f"Unsubscribe: {{{{ {_UNSUBSCRIBE} }}}}")
    return "\n".join(lines)


def _relinked(match: "re.Match[str]", shield: Shield, relink: Relink) -> str:
    marker = shield.hide_in_attribute(relink(shield.show(unescape(match[2]))))
    return f"{match[1]}{escape(marker)}{match[3]}"


def _refuse_endless(source: str) -> None:
    """Raise ContentError for what parsers would read for minutes: each of many beginnings without
    an end is read to the end of the source."""
    if len(source) > HTML_LIMIT:
        raise ContentError(f"The text is longer than {HTML_LIMIT // 1024} KiB. Shorten it.")
    lower = source.lower()
    for begin, end in _PAIRS:
        if lower.count(begin, lower.rfind(end) + 1) > _MOST_OPEN:
            raise ContentError(
                f"Many “{begin}” have no “{end}” behind them. Add it, or delete them."
            )


def _refuse_deep(page: str) -> None:
    """Raise ContentError for elements so deep in one another that parsers end the process."""
    reader = _Depth()
    reader.feed(page)
    reader.close()


class _Depth(HTMLParser):
    """Counts open elements."""

    def __init__(self) -> None:
        super().__init__()
        self._open = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open += tag not in _VOID
        if self._open > DEEPEST:
            raise ContentError(
                f"The HTML has more than {DEEPEST} elements in one another. Close elements where "
                "they end, or use fewer."
            )

    def handle_endtag(self, tag: str) -> None:
        self._open = max(0, self._open - (tag not in _VOID))
