"""What a text may contain, checked before minijinja sees it.

minijinja's fuel bounds steps, not memory: ``'a' * 100000000`` is one step, doubling by ``set`` or
by nested lists is a few, and a long row of ``not`` overflows the stack of its parser and so ends
the process. So only this small language is let through, in which everything grows by no more than
a known measure: values, filters from a list, comparisons, ``+ - / // %``, ``if`` and ``for``.
See docs/decisions/0006-personalisation.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from clarion.content.errors import ContentError
from clarion.content.filters import DEFAULTS, FILTERS, TESTS

EXPRESSION_LIMIT = 200  # words and signs between one pair of braces
TAG_LIMIT = 1_000  # pairs of braces in a text
DEPTH_LIMIT = 50  # if inside for inside if …

_OPENING = re.compile(r"\{\{|\{%|\{#")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<close>[-+]?(?:\}\}|%\}))
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d[\d_]*(?:\.\d+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|//|[.|()\[\],:<>+\-/%])""",
    re.VERBOSE | re.DOTALL,
)
_JOINING = frozenset({"and", "or", "not", "in", "is", "if", "else", "elif", "for"})
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
_STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign; ``kind`` is a group name of the pattern above."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a text names a variable."""

    name: str  # dotted, e.g. contact.name
    line: int
    optional: bool  # has a default, or is only asked whether it is defined
    guard: bool  # asked whether it is defined


@dataclass(slots=True)
class Scan:
    """What was found in a text."""

    uses: list[Use] = field(default_factory=list)
    tokens: int = 0
    tags: int = 0
    longest_repeated: int = 0  # characters of the longest plain piece inside a ``for``
    _bound: list[set[str]] = field(default_factory=list)  # names given by each open block

    @property
    def repeats(self) -> bool:
        """Whether we are inside a ``for``."""
        return any(self._bound)


def scan(source: str) -> Scan:
    """Check a text and find the variables it uses. Raises ContentError with line and sentence."""
    result = Scan()
    position = 0
    while opening := _OPENING.search(source, position):
        _note_plain(result, opening.start() - position)
        line = source.count("\n", 0, opening.start()) + 1
        if opening.group() == "{#":
            end = source.find("#}", opening.end())
            if end < 0:
                raise ContentError(f"Line {line}: the comment is not closed. Add #}} to its end.")
            position = end + 2
            continue
        tokens, position = _tokens(source, opening.end(), opening.group(), line)
        result.tags += 1
        result.tokens += len(tokens)
        if result.tags > TAG_LIMIT:
            raise ContentError(f"Line {line}: a text may have at most {TAG_LIMIT:,} {{{{ }}}}.")
        if opening.group() == "{%":
            _statement(result, tokens, line)
        else:
            _expression(result, tokens, line)
    _note_plain(result, len(source) - position)
    return result


def _note_plain(result: Scan, length: int) -> None:
    if result.repeats:
        result.longest_repeated = max(result.longest_repeated, length)


def _tokens(source: str, start: int, opening: str, line: int) -> tuple[list[Token], int]:
    """The words and signs up to the closing braces, and where the text goes on after them."""
    closing = "}}" if opening == "{{" else "%}"
    tokens: list[Token] = []
    position = start
    if source[position : position + 1] in {"-", "+"}:  # white space control
        position += 1
    while match := _TOKEN.match(source, position):
        position = match.end()
        kind = str(match.lastgroup)
        if kind == "close":
            if not match.group().endswith(closing):
                raise ContentError(f"Line {line}: {opening} must be closed by {closing}.")
            return tokens, position
        if kind != "space":
            tokens.append(Token(kind, match.group()))
        if len(tokens) > EXPRESSION_LIMIT:
            raise ContentError(
                f"Line {line}: this is too long. Use at most {EXPRESSION_LIMIT} words."
            )
    if position >= len(source):
        raise ContentError(f"Line {line}: {opening} is not closed. Add {closing} to its end.")
    sign = source[position]
    if sign in "\"'":
        raise ContentError(f"Line {line}: a quote ({sign}) is not closed.")
    raise ContentError(f"Line {line}: “{sign}” can't be used between {opening} and {closing}.")


def _statement(result: Scan, tokens: list[Token], line: int) -> None:
    word = tokens[0].text if tokens else ""
    if word not in _STATEMENTS:
        raise ContentError(f"Line {line}: “{{% {word} %}}” can't be used. Only if and for can.")
    if word in {"endif", "endfor"}:
        if result._bound:
            result._bound.pop()
        return
    if word == "for":
        _loop(result, tokens, line)
    else:
        _expression(result, tokens[1:], line)
    if word == "if":
        result._bound.append(set())
    if len(result._bound) > DEPTH_LIMIT:
        raise ContentError(
            f"Line {line}: at most {DEPTH_LIMIT} if and for can be inside one another."
        )


def _loop(result: Scan, tokens: list[Token], line: int) -> None:
    places = [index for index, token in enumerate(tokens) if token.text == "in"]
    if not places:
        raise ContentError(f"Line {line}: write it like {{% for item in contact.items %}}.")
    names = {token.text for token in tokens[1 : places[0]] if token.kind == "word"}
    of = tokens[places[0] + 1 :]
    # A list written here could be doubled by a loop inside a loop.
    for before, token in zip([Token("sign", "("), *of], of, strict=False):
        if token.text == "(" or (token.text == "[" and not _is_value(before)):
            raise ContentError(f"Line {line}: name the list to go through, as in contact.items.")
    _expression(result, of, line)
    result._bound.append(names | {"loop"})


def _expression(result: Scan, tokens: list[Token], line: int) -> None:
    """Check one expression, and note the variables in it."""
    stream = iter(range(len(tokens)))
    for index in stream:
        token, before = tokens[index], tokens[index - 1] if index else None
        if token.text == "(" and before is not None and _is_value(before):
            _check_call(tokens, index, line)
        if token.kind != "word" or token.text in _JOINING | _CONSTANTS:
            continue
        if before is not None and before.text == "|":
            _check_filter(token.text, line)
        elif _is_test(tokens, index):
            _check_test(token.text, line)
        elif before is None or before.text != ".":
            _note_use(result, tokens, index, line)


def _is_value(token: Token) -> bool:
    """Whether a bracket after this token would call it or pick from it."""
    if token.kind == "word":
        return token.text not in _JOINING
    return token.kind in {"string", "number"} or token.text in {")", "]"}


def _is_test(tokens: list[Token], index: int) -> bool:
    before = [token.text for token in tokens[max(index - 2, 0) : index]]
    return before[-1:] == ["is"] or before == ["is", "not"]


def _check_call(tokens: list[Token], index: int, line: int) -> None:
    name = tokens[index - 1]
    after_bar = index > 1 and tokens[index - 2].text == "|"
    if name.kind == "word" and (after_bar or _is_test(tokens, index - 1)):
        return
    raise ContentError(
        f"Line {line}: “{name.text}(…)” can't be used. Only filters can have brackets."
    )


def _check_filter(name: str, line: int) -> None:
    if name not in FILTERS:
        raise ContentError(f"Line {line}: there is no filter {name}.{did_you_mean(name, FILTERS)}")


def _check_test(name: str, line: int) -> None:
    if name not in TESTS:
        raise ContentError(f"Line {line}: there is no test {name}.{did_you_mean(name, TESTS)}")


def _note_use(result: Scan, tokens: list[Token], index: int, line: int) -> None:
    parts, after = _path(tokens, index)
    if any(parts[0] in names for names in result._bound):
        return
    following = [token.text for token in tokens[after : after + 3]]
    if parts == ["contact"]:
        raise ContentError(
            f"Line {line}: name the attribute of contact to show, such as contact.name."
        )
    default = following[:1] == ["|"] and following[1:2] != [] and following[1] in DEFAULTS
    words = [word for word in following if word != "not"][:2]
    guard = words in (["is", "defined"], ["is", "undefined"])
    result.uses.append(Use(".".join(parts), line, default or guard, guard))


def _path(tokens: list[Token], index: int) -> tuple[list[str], int]:
    """The parts of a dotted name that begins here, and where what follows it begins."""
    parts = [tokens[index].text]
    index += 1
    while index + 1 < len(tokens):
        sign, following = tokens[index].text, tokens[index + 1]
        if sign == "." and following.kind == "word":
            parts.append(following.text)
            index += 2
        elif sign == "[" and following.kind == "string" and tokens[index + 2 : index + 3]:
            parts.append(following.text[1:-1])
            index += 3
        else:
            break
    return parts, index


def did_you_mean(name: str, names: Iterable[str], of: str = "") -> str:
    """`` Did you mean x?`` where something alike is known, else nothing. ``of`` goes before x."""
    near = get_close_matches(name, sorted(names), n=1)
    return f" Did you mean {of}{'.' if of else ''}{near[0]}?" if near else ""
