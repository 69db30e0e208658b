"""``clarion keywords``: the words with which contacts opt out and in."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_table

if TYPE_CHECKING:
    from clarion.channels.keywords import State

app = App("Words with which contacts opt out and in, beside the built-in ones.")
Words = Annotated[list[str], typer.Argument(metavar="WORD", help="One or more words or phrases.")]
Effect = Annotated[
    Literal["opt-out", "opt-in"], typer.Option("--means", help="What a message with it does.")
]
_STATES: "dict[str, State]" = {"opt-out": "opted_out", "opt-in": "active"}


@app.command("list")
@uses_django
def list_keywords(as_json: AsJson = False) -> None:
    """List your own words. The built-in ones are in the documentation of chats."""
    from clarion.channels import own_keywords

    meanings: dict[str, str] = {state: name for name, state in _STATES.items()}
    rows = [(word.written, meanings[word.state]) for word in own_keywords.listed()]
    if as_json:
        print_json([{"word": word, "means": meaning} for word, meaning in rows])
    elif not rows:
        print_line("There are no words of your own. Add one with: clarion keywords add WORD")
    else:
        print_table(["WORD", "MEANS"], [list(row) for row in rows])


@app.command(examples=['clarion keywords add "no more" basta --means opt-out'])
@uses_django
def add(words: Words, means: Effect = "opt-out", as_json: AsJson = False) -> None:
    """Add words. A message that consists of one of them opts its sender out, or in."""
    from clarion.channels import own_keywords

    new = own_keywords.add(words, _STATES[means], acting())
    if as_json:
        print_json({"added": [word.written for word in new]})
    else:
        print_line(f"{counted(len(new), 'word')} added.")


@app.command(examples=["clarion keywords remove basta"])
@uses_django
def remove(words: Words, as_json: AsJson = False) -> None:
    """Remove words of your own. Contacts who opted out with them stay opted out."""
    from clarion.channels import own_keywords

    removed = own_keywords.remove(words, acting())
    if as_json:
        print_json({"removed": removed})
    else:
        print_line(f"{counted(len(removed), 'word')} removed.")
