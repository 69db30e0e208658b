"""What pydantic finds wrong with a block, in words."""

from collections.abc import Iterator

from pydantic import ValidationError

from clarion.kit.sentences import problems

_NO_KIND = "A block is of the kind text, image, file, buttons or webhook. Name one of them."
_SECONDS = "The {name} must be from 1 to 30 seconds."
_NAMES = {"url": "address", "value": "value of the button", "label": "words of the button"}
_TYPES = {
    "union_tag_invalid": _NO_KIND,
    "union_tag_not_found": _NO_KIND,
    "model_attributes_type": "A block must be an object with a kind and its fields.",
    "missing": "The {name} is missing.",
    "string_too_long": "The {name} may have {max_length:,} characters at most. Shorten it.",
    "greater_than_equal": _SECONDS,
    "less_than_equal": _SECONDS,
    "too_short": "There is no button. Add one.",
    "too_long": "There are too many buttons: 10 are allowed.",
    "literal_error": "A button is of the kind link, reply or story. Name one of them.",
    "string_pattern_mismatch": "There is no such upload. Upload it again.",
}


def sentences(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Field (dotted, after the block's kind) and one sentence for each fault."""
    otherwise = "The {name} can't be understood. Correct it."
    for problem in problems(error, types=_TYPES, names=_NAMES, otherwise=otherwise):
        yield ".".join(problem.path[1:]), problem.sentence
