"""Personalised texts: what they show, what they refuse, and that nothing makes them swell."""

import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.content.errors import ContentError
from clarion.content.filters import OUTPUT_LIMIT
from clarion.content.rendering import (
    SOURCE_LIMIT,
    compile_html,
    compile_text,
    contact_context,
    preview,
    unknown_variables,
)

ADA = contact_context(
    "Ada", {"city": "London", "toys": ["ball", "kite"], "plan": ""}, "en", "Europe/London", "77"
)


class TestRender:
    @pytest.mark.parametrize(
        ("source", "shown"),
        [
            ("Plain } text % with {braces", "Plain } text % with {braces"),
            ("Hello {{ contact.name }}, user {{ contact.id }}", "Hello Ada, user 77"),
            ('{{ contact.plan | default("free") }}', "free"),
            ('{{ contact.nothing | default("x") | upper }}', "X"),
            ("{{ contact['city'] }}", "London"),
            ("{% if contact.plan %}a{% elif contact.city %}b{% else %}c{% endif %}", "b"),
            ("{% if contact.nothing is defined %}a{% endif %}", ""),
            ("{% for toy in contact.toys %}{{ loop.index }}{{ toy }} {% endfor %}", "1ball 2kite "),
            ('{{ contact.toys | join(", ") }}', "ball, kite"),
            ('{{ contact.city | replace("on", "ON") }}', "LONdON"),
            ("{{ contact.city | truncate(4) }}", "Lon…"),
            ("{{ '<' | escape }}{{ 'a b' | urlencode }}", "&lt;a%20b"),
            ("{{ '{{' }} {# a remark #}and a line\n", "{{ and a line\n"),
            ("{{ 7 // 2 + 1 - 2 }}{{- ' ' }}{{ 'Lon' in contact.city }}", "2 True"),
        ],
    )
    def test_shows(self, source: str, shown: str) -> None:
        assert compile_text(source).render(ADA) == shown

    def test_shows_what_a_launch_brings(self) -> None:
        assert (
            compile_text("{{ code }} for {{ contact.name }}").render(ADA, code="X1") == "X1 for Ada"
        )

    def test_an_attribute_may_be_called_like_a_method_of_python(self) -> None:
        text = compile_text("{{ contact.items | default('none') }}")
        assert text.render(ADA) == "none"
        assert text.render({**ADA, "items": "3 books"}) == "3 books"

    @pytest.mark.parametrize(
        ("source", "sentence"),
        [
            (
                "a\n{{ contact.nmae }}",
                "Line 2: there is no variable contact.nmae. Did you mean contact.name?",
            ),
            (
                "{{ contact.plan }}",
                (
                    "Line 1: there is no variable contact.plan for this contact. "
                    'Give it a default: {{ contact.plan | default("…") }}.'
                ),
            ),
            ("{{ contact.items }}", None),
            ("{{ contact.toys }}", "A variable has several values. Use for, or the filter join."),
            ("{{ contact.name | replace }}", None),
            ("{{ contact.name | int }}", None),
            ("{{ 1 / 0 }}", None),
            ("{{ contact.name + 1 }}", None),
        ],
    )
    def test_one_person_fails_with_a_sentence(self, source: str, sentence: str | None) -> None:
        text = compile_text(source)
        with pytest.raises(ContentError) as failure:
            text.render(ADA)
        assert "\n" not in str(failure.value)
        assert str(failure.value).endswith((".", "?"))
        if sentence:
            assert str(failure.value) == sentence

    def test_a_failure_leaves_the_text_usable(self) -> None:
        text = compile_text("{{ contact.plan }}")
        with pytest.raises(ContentError):
            text.render(ADA)
        assert text.render({**ADA, "plan": "gold"}) == "gold"

    def test_preview_takes_a_contact_and_an_address(self) -> None:
        class Person:
            name, attributes, language, time_zone = "", {"city": "Rome"}, "it", ""

        class Address:
            user_id = "rome@example.org"

        source = "{{ contact.name | default('friend') }} {{ contact.city }} {{ contact.id }}"
        assert preview(source, Person(), Address()) == "friend Rome rome@example.org"


class TestCompile:
    @pytest.mark.parametrize(
        ("source", "part"),
        [
            ("{{ contact.name", "Line 1: {{ is not closed. Add }} to its end."),
            ("\n\n{{ 'a }}", "Line 3: a quote (') is not closed."),
            ("{# a", "Line 1: the comment is not closed"),
            ("{{ contact.name | uper }}", "there is no filter uper. Did you mean upper?"),
            ("{{ contact.name is defned }}", "there is no test defned. Did you mean defined?"),
            ("{{ contact }}", "name the attribute of contact"),
            ("{% macro a() %}{% endmacro %}", "Only if and for can."),
            ("{% include 'a' %}", "Only if and for can."),
            ("{% set a %}b{% endset %}", "Only if and for can."),
            ("{% raw %}{% endraw %}", "Only if and for can."),
            ("{% if contact.name }}", "{% must be closed by %}"),
            ("{% if contact.name %}", "Line 1: "),
            ("{% endif %}", "Line 1: "),
            ("{% for %}{% endfor %}", "write it like"),
            ("{{ }}", "Line 1: "),
            ("{{ contact.pop('name') }}", "Only filters can have brackets."),
            ("{{ range(5) | join }}", "Only filters can have brackets."),
            ("{{ ('a').join('b') }}", "Only filters can have brackets."),
            ("{{ 'a' * 100000000 }}", "“*” can't be used"),
            ("{{ 9 ** 9 }}", "“*” can't be used"),
            ("{{ 'a' ~ 'b' }}", "“~” can't be used"),
            ("{{ {'a': 1} }}", "“{” can't be used"),
            ("{{ 'a' | center(100000000) }}", "there is no filter center"),
            ("{{ 'a' | indent(100000000) }}", "there is no filter indent"),
            ("{{ '%1000000000s' | format('a') }}", "there is no filter format"),
            ("{{ contact.toys | tojson(100000000) }}", "there is no filter tojson"),
            ("{{ contact.toys | batch(100000000, 'a') }}", "there is no filter batch"),
            ("{% for a in ['x', 'x'] %}{% endfor %}", "name the list to go through"),
            ("{{ " + "not " * 10_000 + "1 }}", "this is too long"),
            ("{% if 1 %}" * 60 + "{% endif %}" * 60, "can be inside one another"),
            ("{{ 1 }}" * 1_001, "at most 1,000"),
            ("x" * (SOURCE_LIMIT + 1), "longer than 64 KiB"),
            ("ü" * SOURCE_LIMIT, "longer than 64 KiB"),
        ],
    )
    def test_refuses_with_a_sentence(self, source: str, part: str) -> None:
        with pytest.raises(ContentError) as failure:
            compile_text(source)
        assert part in str(failure.value)
        assert "\n" not in str(failure.value)

    def test_variables(self) -> None:
        source = (
            "{{ contact.name | default(contact['nick name']) }}{{ 'contact.no' }}{{ code }}"
            "{% for toy in contact.toys %}{{ toy.name }}{{ loop.index }}{% endfor %}{{ toy }}"
        )
        assert compile_text(source).variables() == {
            "contact.name",
            "contact.nick name",
            "code",
            "contact.toys",
            "toy",
        }

    @given(st.text(alphabet="{}%#'\"|.()[] \n*~+-=<>!aif1contact_\\", max_size=60))
    def test_any_text_compiles_and_renders_or_fails_with_one_sentence(self, source: str) -> None:
        try:
            shown = compile_text(source).render(ADA)
        except ContentError as error:
            shown = str(error)
            assert len(shown.splitlines()) == 1
        assert len(shown) < 10_000

    @given(st.text(alphabet="*~{}=@$^&?;`\0", min_size=1, max_size=1), st.integers(0, 12))
    def test_no_sign_outside_of_the_language_gets_through(self, sign: str, place: int) -> None:
        inner = "contact.city"
        with pytest.raises(ContentError):
            compile_text(f"{{{{ {inner[:place]}{sign}{inner[place:]} }}}}").render(ADA)


class TestUnknownVariables:
    KNOWN = frozenset({"contact.name", "contact.city", "contact.order"})

    @pytest.mark.parametrize(
        ("source", "unknown"),
        [
            ("Hi {{ contact.name }}", []),
            ("{{ contact.nmae }} {{ x }} {{ contact.nmae }}", ["contact.nmae", "x"]),
            ("{{ contact.vip | default('no') }}", []),
            ("{{ contact.vip | d('no') }} {{ contact.vip }}", ["contact.vip"]),
            ("{% if contact.vip is defined %}{{ contact.vip }}{% endif %}", []),
            ("{% if contact.vip is not defined %}-{% else %}{{ contact.vip }}{% endif %}", []),
            ("{% if contact.vip %}a{% endif %}", ["contact.vip"]),
            ("{{ contact.order.total }}", []),
            ("{% for toy in contact.toys %}{{ toy }}{% endfor %}", ["contact.toys"]),
            ("{{ contact.name | default(contact.nick) }}", ["contact.nick"]),
        ],
    )
    def test_names_what_nobody_has(self, source: str, unknown: list[str]) -> None:
        assert unknown_variables(source, set(self.KNOWN)) == unknown

    def test_a_wrong_text_is_an_error(self) -> None:
        with pytest.raises(ContentError):
            unknown_variables("{{ ", set())


class TestBounds:
    @pytest.mark.parametrize(
        "source",
        [
            "{% for a in many %}" * 3 + "{% endfor %}" * 3,
            "{% for a in many %}{% for b in many %}" + "x" * 60_000 + "{% endfor %}{% endfor %}",
            "{% for a in many %}{% for b in many %}{{ big }}{% endfor %}{% endfor %}",
            "{{ big | replace('x', big) }}",
            "{{ big | replace('', big) }}",
            "{{ many | join(big) }}",
            "{{ bigs | join }}",
            "{{ big" + " + big" * 90 + " }}",
            "{{ big }}{{ big }}",
            "{{ [" + "[big, big], " * 20 + "] | join }}",
            "{{ big" + " | urlencode" * 60 + " }}",
            "{{ '&' " + " | escape" * 90 + " | replace('amp', big) }}",
        ],
    )
    def test_swelling_texts_fail_and_take_no_memory(self, source: str) -> None:
        """Measured in a process of its own: the peak of memory can't be asked for afterwards."""
        program = textwrap.dedent(
            """
            import sys
            from clarion.content.rendering import ContentError, compile_text
            def peak():
                try:
                    with open("/proc/self/status") as status:
                        return int(status.read().partition("VmHWM:")[2].split()[0])
                except FileNotFoundError:
                    # On Linux it begins with that of pytest, which hides what is added.
                    from resource import RUSAGE_SELF, getrusage
                    return getrusage(RUSAGE_SELF).ru_maxrss
            big = "x&" * 30_000
            values = {"many": list(range(10_000)), "big": big, "bigs": [big] * 3}
            compile_text("{{ a }}{% for b in many %}{% endfor %}").render({}, a="b", many=[])
            before = peak()
            try:
                compile_text(sys.stdin.read()).render({}, **values)
            except ContentError as error:
                print(error)
            else:
                sys.exit("it was rendered")
            grown = peak() - before
            sys.exit(f"{grown} kB more" if grown > 40_000 else 0)
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=source,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def test_the_output_is_counted_in_bytes(self) -> None:
        text = compile_text("{{ a }}")
        assert len(text.render({}, a="x" * OUTPUT_LIMIT)) == OUTPUT_LIMIT
        with pytest.raises(ContentError, match="64 KiB"):
            text.render({}, a="ü" * (OUTPUT_LIMIT // 2 + 1))


class TestContext:
    def test_what_is_empty_is_left_out(self) -> None:
        context = contact_context("", {"city": "", "zip": None, "points": 0}, "", "", "9")
        assert context == {"id": "9", "points": 0}

    def test_a_column_called_id_is_shown_as_it_was_imported(self) -> None:
        assert contact_context("", {"id": "K-1"}, "", "", "ada@example.org")["id"] == "K-1"

    def test_the_name_is_the_contacts_own(self) -> None:
        assert contact_context("Ada", {"name": "old"}, "", "", "9")["name"] == "Ada"


@pytest.mark.parametrize("source", ["{{ contact.name }}!", "{{ contact.name | trim }}!"])
def test_values_in_html_are_escaped_by_the_engine_and_without_it(source: str) -> None:
    html = compile_html(f'<p title="{source}">{source}</p>')
    value = "&lt;a href=&quot;&amp;&#x27;&gt;"
    assert html.render({"name": "<a href=\"&'>"}) == f'<p title="{value}!">{value}!</p>'
    assert compile_html('{{ contact.name | default("<") }}').render({}) == "&lt;"
    for name in ("escape", "e"):
        twice = compile_html(f'{{{{ contact.name | {name} }}}} {{{{ "<" | {name} | {name} }}}}')
        assert twice.render({"name": "A & B"}) == "A &amp; B &lt;"
    assert compile_html("<p>{{ 1 + 1 }}</p>").render({}) == "<p>2</p>"
