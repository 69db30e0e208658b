"""Finding text by a part of it, whatever the case, in any script, alike on both databases.

SQLite folds the case of ASCII letters only, and so does PostgreSQL under the locale C. A part with
other letters in it is therefore written as a pattern that allows both cases of each letter.
"""

import re

from clarion.kit import db

_PLAIN = re.compile(r"[\x00-\x7f]+")


def contains(column: str, part: str) -> tuple[str, list[str]]:
    """SQL and its parameters for "the column contains this text", ignoring case."""
    if all(letter.isascii() or len(_cases(letter)) == 1 for letter in part):
        like = _like(part)
        if db.is_postgres():
            return f"lower({column}) LIKE %s ESCAPE '\\'", [f"%{like.lower()}%"]
        return f"{column} LIKE %s ESCAPE '\\'", [f"%{like}%"]
    if db.is_postgres():
        # In lower case as above, so that one trigram index on lower(column) may serve both.
        matches, pattern = f"lower({column}) ~ %s", "".join(_regex(letter) for letter in part)
        plain = max(_PLAIN.findall(part), key=len, default="")
        if not plain:
            return matches, [pattern]
        # Most are ruled out by a part that needs no pattern, which takes a third of the time.
        like = f"%{_like(plain).lower()}%"
        return f"(lower({column}) LIKE %s ESCAPE '\\' AND {matches})", [like, pattern]
    # GLOB leaps to a letter that it knows, but not to one of two: hence a pattern for each case.
    rest = "".join(_glob(letter) for letter in part[1:])
    patterns = [f"*{_escaped(first)}{rest}*" for first in _cases(part[0])]
    return f"({' OR '.join([f'{column} GLOB %s'] * len(patterns))})", patterns


def equals(column: str, text: str) -> tuple[str, list[str]]:
    """SQL and its parameters for "the column is this text", ignoring case."""
    if all(letter.isascii() or len(_cases(letter)) == 1 for letter in text):
        if db.is_postgres():
            return f"lower({column}) = %s", [text.lower()]
        return f"{column} LIKE %s ESCAPE '\\'", [_like(text)]
    if db.is_postgres():
        return f"lower({column}) ~ %s", [f"^{''.join(map(_regex, text))}$"]
    return f"{column} GLOB %s", ["".join(map(_glob, text))]


def begins(column: str, prefix: str) -> tuple[str, str]:
    """SQL and its parameter for "the column begins with this text", in the same case."""
    if db.is_postgres():
        return f"{column} LIKE %s ESCAPE '\\'", f"{_like(prefix)}%"
    return f"{column} GLOB %s", f"{''.join(map(_escaped, prefix))}*"


def _like(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in text)


def _cases(letter: str) -> list[str]:
    """The letter and its other case; one where that is the same, or is several letters."""
    return sorted(case for case in {letter, letter.lower(), letter.upper()} if len(case) == 1)


def _class(cases: list[str]) -> str:
    return f"[{''.join(cases)}]"


def _regex(letter: str) -> str:
    if letter.isascii():
        letter = letter.lower()
    elif len(cases := _cases(letter)) > 1:
        return _class(cases)
    return letter if letter.isalnum() or not letter.isascii() else f"\\{letter}"


def _glob(letter: str) -> str:
    cases = _cases(letter)
    return _class(cases) if len(cases) > 1 else _escaped(letter)


def _escaped(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter
