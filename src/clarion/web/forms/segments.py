"""The form of a segment: its name, and a row for each condition."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.contacts.attribute_filters import ConditionError
from clarion.contacts.attributes import attribute_names
from clarion.kit.text import clean, one_line
from clarion.segments.conditions import Condition
from clarion.segments.manage import MOST_CONDITIONS
from clarion.segments.members import conditions_of
from clarion.segments.models import Segment

LONGEST = 500  # characters of a field; the package says what is too long for it
SPARE = 2  # empty rows below the last condition
FEWEST = 4  # rows at least
# What a row can be about beside attributes -> its condition: (of, what), the latter None where the
# comparison says it. No attribute is called so.
SPECIAL: Final[dict[str, tuple[str, str | None]]] = {
    "#tag": ("tag", None),
    "#consent": ("consent", None),
    "#channel": ("channel", None),
    "#wrote": ("wrote", "within"),
    "#not-wrote": ("wrote", "not_within"),
    "#received": ("received", "within"),
    "#not-received": ("received", "not_within"),
    "#read-none": ("read_none", "of_last"),
    "#added": ("added", "within"),
    "#not-added": ("added", "not_within"),
}
WORDS: Final[dict[str, Any]] = {
    "#tag": _lazy("Tag"),
    "#consent": _lazy("Given consent"),
    "#channel": _lazy("Channel"),
    "#wrote": _lazy("Wrote in the last … days"),
    "#not-wrote": _lazy("Did not write in the last … days"),
    "#received": _lazy("Received a message in the last … days"),
    "#not-received": _lazy("Received no message in the last … days"),
    "#read-none": _lazy("Read none of the last … messages"),
    "#added": _lazy("Added in the last … days"),
    "#not-added": _lazy("Added more than … days ago"),
}
_HAS: Final = {"equals": "has", "not": "has_not"}


@dataclass(slots=True)
class Row:
    """One row as it was typed, and what is wrong with it."""

    of: str = ""
    what: str = "equals"
    value: str = ""
    problem: str = ""


@dataclass(slots=True)
class SegmentForm:
    """What is typed on the page of a segment."""

    name: str = ""
    match: str = "all"
    rows: list[Row] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)  # of the rows that are right

    @property
    def is_right(self) -> bool:
        """Whether no row has a problem."""
        return not any(row.problem for row in self.rows)

    @property
    def shown_rows(self) -> list[Row]:
        """All rows, and some empty ones."""
        more = max(FEWEST - len(self.rows), SPARE)
        return [*self.rows, *(Row() for _ in range(more))][: max(MOST_CONDITIONS, len(self.rows))]

    @property
    def names(self) -> list[str]:
        """The attributes that a condition can be about."""
        used = [row.of for row in self.rows if row.of and row.of not in SPECIAL]
        return list(dict.fromkeys([*attribute_names(), *used]))

    @property
    def unsaved(self) -> Segment:
        """The segment as it would be, for counting."""
        return Segment(match=self.match, conditions=[each.dump() for each in self.conditions])


def from_post(data: QueryDict) -> SegmentForm:
    """The page as it was sent, without empty rows."""
    match = data.get("match", "")
    form = SegmentForm(
        name=one_line(data.get("name", ""))[:LONGEST],
        match=match if match in Segment.Match.values else "all",
    )
    columns: Sequence[Sequence[str]] = [data.getlist(each) for each in ("of", "is", "value")]
    for of, what, value in zip(*columns, strict=False):
        row = Row(*(clean(each.strip(), LONGEST) for each in (of, what, value)))
        if row.of or row.value:
            form.rows.append(row)
            _read(form, row)
    return form


def _read(form: SegmentForm, row: Row) -> None:
    try:
        form.conditions.append(_condition(row))
    except ConditionError as error:
        row.problem = str(error)


def _condition(row: Row) -> Condition:
    if row.of not in SPECIAL:
        return Condition.made("attribute", row.what, row.of, row.value)
    of, what = SPECIAL[row.of]
    if what is not None:
        return Condition.made(of, what, "", row.value)
    if row.what not in _HAS:
        raise ConditionError(_("Choose “is” or “is not” for this."))
    return Condition.made(of, _HAS[row.what], row.value)


def from_segment(segment: Segment) -> SegmentForm:
    """The page of a segment that was saved."""
    conditions = conditions_of(segment)
    return SegmentForm(
        segment.name, segment.match, [_row(condition) for condition in conditions], conditions
    )


def _row(condition: Condition) -> Row:
    if condition.of == "attribute":
        return Row(condition.name, condition.what, condition.value)
    for key, (of, what) in SPECIAL.items():
        if of == condition.of and what in (None, condition.what):
            shown = "not" if condition.what == "has_not" else "equals"
            return Row(key, shown, condition.name or condition.value)
    raise ValueError(condition.of)
