"""Personalised texts: checked once, then rendered for every person in a few microseconds."""

import re
from collections.abc import Collection, Mapping
from html import escape
from typing import Any, Final, Protocol

from minijinja import Environment, TemplateError

from clarion.content.errors import CODE, NO_CODE, ContentError
from clarion.content.filters import OF_HTML, OUR_TESTS, OURS, OUTPUT_LIMIT
from clarion.content.scan import Scan, did_you_mean, scan
from clarion.content.simple import simple_text
from clarion.kit.markup.escaping import ESCAPES

SOURCE_LIMIT: Final = 64 * 1024  # bytes of UTF-8
HTML_LIMIT: Final = 512 * 1024  # bytes of a page, as it is written and as it is filled in
STEPS = 20_000  # what loops may take, beyond what the text itself takes
REPEATED_LIMIT = 8 * 1024 * 1024  # characters of plain text that loops may write in all
_ROOMS = {"contact", "data", "memory"}  # they hold variables, and are none themselves
_UNDEFINED = re.compile(r"`(?P<name>[^`]+)` is undefined")
_UNUSABLE = (
    "A filter or a calculation in the text can't work with the values that it gets. "
    "Correct the text."
)


class _Person(Protocol):
    name: str
    attributes: dict[str, Any]
    language: str
    time_zone: str


class _Address(Protocol):
    @property
    def user_id(self) -> str: ...


class _Missing:
    """An attribute that is not there."""

    def __get__(self, instance: object, owner: object = None) -> None:
        raise AttributeError


class _Attributes(dict[str, Any]):
    """A dict without methods: minijinja would take ``contact.items`` for one of them."""


METHODS = frozenset(name for name in dir(dict) if not name.startswith("_"))
for _name in METHODS:
    setattr(_Attributes, _name, _Missing())


class Text:
    """A compiled text. One thread at a time may render it."""

    __slots__ = (
        "_environment", "_escape", "_html", "_left", "_limit", "_methods", "_scan", "_simple",
        "source",
    )  # fmt: skip

    def __init__(self, source: str, *, html: bool = False, markup: str = "") -> None:
        """Check and compile. Of HTML, and of a ``markup`` of kit.markup, values are escaped.

        Raises ContentError with a sentence.
        """
        longest, self._limit = (HTML_LIMIT, HTML_LIMIT) if html else (SOURCE_LIMIT, OUTPUT_LIMIT)
        if len(source) > longest or len(_encoded(source)) > longest:
            raise ContentError(f"The text is longer than {longest // 1024} KiB. Shorten it.")
        self._html = html
        self._escape = escape if html else ESCAPES.get(markup)
        self.source = source
        self._scan = scan(source)
        self._methods = any(METHODS & set(name.split(".")[1:]) for name in self.variables())
        self._left = 0
        self._environment: Environment | None = None
        if "{{" in source or "{%" in source or "{#" in source:
            self._environment = self._compile()
        # A character takes at most four bytes.
        self._simple = (
            None if self._methods else simple_text(source, self._limit // 4, self._escape)
        )

    def render(self, contact: Mapping[str, Any], /, **variables: Any) -> str:
        """The text for one person. ``contact`` is what ``contact_context`` gives.

        Raises ContentError with one sentence when this person lacks a variable that has no
        default, when a filter or a calculation can't work with this person's values, or when the
        result would be longer than OUTPUT_LIMIT bytes, HTML_LIMIT of HTML. It raises nothing
        else, whatever the text.
        """
        if self._environment is None:
            return self.source
        if self._simple is not None:
            joined = self._simple.render(contact, variables)
            if joined is not None:
                return joined
        self._left = self._limit
        person = contact
        if self._methods:
            person = _Attributes(contact)
            variables = {
                name: _Attributes(value) if isinstance(value, dict) else value
                for name, value in variables.items()
            }
        try:
            rendered = self._environment.render_template("text", contact=person, **variables)
        except TemplateError as error:
            raise _as_sentence(error, {"contact": dict(contact), **variables}) from None
        except ContentError:
            raise
        except TypeError:  # how a filter of ours is called wrongly
            raise ContentError("A filter has too few or too many values in its brackets.") from None
        except BaseException as error:
            if not _is_of_the_text(error):
                raise
            self._environment = self._compile()  # a panic leaves the old one locked
            raise ContentError(_UNUSABLE) from error
        if len(rendered) * 4 > self._limit and len(rendered.encode()) > self._limit:
            raise ContentError(self._too_long)
        return rendered

    @property
    def fixed(self) -> bool:
        """Whether everybody gets the same."""
        return self._environment is None

    def variables(self) -> set[str]:
        """The dotted names of all variables in the text."""
        return {use.name for use in self._scan.uses}

    @property
    def _too_long(self) -> str:
        return f"The message would be longer than {self._limit // 1024} KiB. Shorten the text."

    def _compile(self) -> Environment:
        # Semi-strict: {% if contact.city %} may ask for what is missing. (Not in the stubs yet.)
        undefined: Any = "semi_strict"
        environment = Environment(
            fuel=_fuel(self._scan),
            undefined_behavior=undefined,
            pycompat=False,  # else texts could call methods: "x".center(1000000000)
            finalizer=self._write,
            keep_trailing_newline=True,
        )
        for name in list(environment.globals):  # range, namespace, debug …
            environment.remove_global(name)
        for name, function in (OURS | OF_HTML if self._html else OURS).items():
            environment.add_filter(name, function)
        for name, test in OUR_TESTS.items():
            environment.add_test(name, test)
        try:
            environment.add_template("text", self.source)
        except TemplateError as error:
            raise _as_sentence(error, {}) from None
        except BaseException as error:
            if not _is_of_the_text(error):
                raise
            raise ContentError(_UNUSABLE) from error
        return environment

    def _write(self, value: Any) -> Any:
        """Called by minijinja with every value that is about to be written."""
        if self._escape is not None and isinstance(value, int | float):
            value = str(value).lower() if isinstance(value, bool) else str(value)
        if self._escape is not None and value is None:
            value = ""
        if isinstance(value, str):
            if self._escape is not None:
                value = self._escape(value)
            self._left -= len(value)
            if self._left < 0:
                raise ContentError(self._too_long)
            return value
        if value is None or isinstance(value, bool | int | float):
            self._left -= 8
            if self._left < 0:
                raise ContentError(self._too_long)
            return "" if value is None else value
        raise ContentError("A variable has several values. Use for, or the filter join.")


def compile_text(source: str, markup: str = "") -> Text:
    """Check and compile a text. ``markup``: one of kit.markup.FORMATS, for which values are
    escaped. Raises ContentError with one sentence."""
    return Text(source, markup=markup)


def compile_html(source: str) -> Text:
    """As ``compile_text``, of HTML: values are escaped. Raises ContentError with one sentence."""
    return Text(source, html=True)


def contact_context(
    name: str, attributes: Mapping[str, Any], language: str, time_zone: str, value: str
) -> dict[str, Any]:
    """What a text sees as ``contact``: the attributes, name, language, time_zone and id.

    ``value`` is the provider's user id, shown as ``contact.id`` unless an attribute has that
    name. What is empty is left out, so that ``default`` applies to it.
    """
    context = {"id": value, **attributes}
    if name:
        context["name"] = name
    if language:
        context["language"] = language
    if time_zone:
        context["time_zone"] = time_zone
    if None in context.values() or "" in context.values():
        return {key: held for key, held in context.items() if held is not None and held != ""}
    return context


def unknown_variables(source: str, variables: set[str], free: Collection[str] = ()) -> list[str]:
    """The dotted names that no contact has, in the order of the text.

    ``free`` are the likes of “data”: whatever stands under them comes only with the sending, so
    every name there is let through. One with ``default``, and one that the text somewhere asks
    ``is defined``, is never unknown. Raises ContentError when the text itself is wrong.
    """
    uses = scan(source).uses
    guarded = {use.name for use in uses if use.guard}
    missing = [use.name for use in uses if not use.optional and use.name not in guarded]
    return [
        name
        for name in dict.fromkeys(missing)
        if not _is_known(name, variables) and not _is_under(name, free)
    ]


def context_of(contact: _Person, address: _Address) -> dict[str, Any]:
    """What a text knows of this person at this address."""
    return contact_context(
        contact.name, contact.attributes, contact.language, contact.time_zone, address.user_id
    )


def preview(source: str, contact: _Person, address: _Address) -> str:
    """The text as this person would get it. Raises ContentError with one sentence."""
    return compile_text(source).render(context_of(contact, address))


def _encoded(source: str) -> bytes:
    try:
        return source.encode()
    except UnicodeEncodeError:
        raise ContentError(
            "The text contains an incomplete character. Delete it, or type it again."
        ) from None


def _is_of_the_text(error: BaseException) -> bool:
    """Whether minijinja, or a filter of ours, could not work with what the text asks for.

    A panic of Rust comes as pyo3's PanicException, which can't be imported and is no Exception.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _is_known(name: str, variables: set[str]) -> bool:
    """Whether this name, or the value it is a part of (contact.order.total), is known."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in variables for length in range(1, len(parts) + 1))


def _is_under(name: str, namespaces: Collection[str]) -> bool:
    namespace, dot, _ = name.partition(".")
    return bool(dot) and namespace in namespaces


def _fuel(scanned: Scan) -> int:
    """Steps that one rendering may take: what stands in the text, and what its loops repeat.

    A step of a loop may write the longest plain piece in it, so long pieces buy fewer steps.
    """
    of_loops = min(STEPS, REPEATED_LIMIT // max(scanned.longest_repeated, 1))
    return 8 * (scanned.tokens + scanned.tags) + 100 + of_loops


def _as_sentence(error: TemplateError, context: Mapping[str, Any]) -> ContentError:
    where = f"Line {error.line}: " if error.line else ""
    detail = error.detail or ""
    if undefined := _UNDEFINED.search(detail):
        name = undefined["name"]
        return ContentError(f"{where}{_missing(name, context)}", name)
    if error.kind == "OutOfFuel":
        return ContentError("The text repeats too much. Make its loops shorter.")
    if error.kind in {"MissingArgument", "TooManyArguments"}:
        return ContentError(f"{where}a filter has too few or too many values in its brackets.")
    problem = detail or error.kind.replace("Error", "").lower() or "something is wrong"
    return ContentError(f"{where}{problem.rstrip('.')}. Correct the text.")


def _missing(name: str, context: Mapping[str, Any]) -> str:
    if name == CODE:
        return NO_CODE
    namespace, _, attribute = name.rpartition(".")
    in_namespace = context.get(namespace)
    names = in_namespace if isinstance(in_namespace, Mapping) else set(context) - _ROOMS
    if guess := did_you_mean(attribute, names, namespace):
        return f"there is no variable {name}.{guess}"
    advice = f'{{{{ {name} | default("…") }}}}'
    return f"there is no variable {name} for this contact. Give it a default: {advice}."
