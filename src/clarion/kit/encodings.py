"""Which encoding a CSV file has, where it need not be UTF-8: recognised, or refused, never guessed.

A byte-order mark says that a file is UTF-16. What is no UTF-8 from beginning to end is taken for
Windows-1252, in which spreadsheets of Western Europe and America save CSV files, as long as nothing
in it speaks against that. Others (Cyrillic, Greek, Central European ones) can't be told apart for
certain, and are refused with the place.
"""

import codecs
import re
from pathlib import Path
from typing import Final

from clarion.kit.csvfile import UTF8, CsvError

NAMES: Final = {UTF8: "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
_BLOCK: Final = 1024 * 1024  # bytes
_ADVICE: Final = "Save the file as “CSV UTF-8”."
# What speaks against Windows-1252: bytes that it does not have; letters of UTF-8, so that the file
# is a mixture; three of its upper letters in a row, as words of other scripts have.
_DOUBTS: Final = re.compile(
    rb"(?P<undefined>[\x81\x8d\x8f\x90\x9d])|(?P<mixed>[\xc3][\x80-\xbf])"
    rb"|(?P<other>[\xc0-\xff]{3})"
)
_WORDS: Final = {
    "undefined": "this is neither UTF-8 nor Windows-1252",
    "mixed": "this is UTF-8, and other parts of the file are not",
    "other": "this is not UTF-8, and which encoding it is can't be recognised",
}


def find_encoding(path: Path) -> str:
    """The encoding of a file: a key of NAMES. Raises CsvError that names line and byte.

    Raises OSError when the file can't be read.
    """
    with path.open("rb") as file:
        if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            return "utf-16"
    if _is_utf8(path):
        return UTF8
    _check_1252(path)
    return "cp1252"


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _check_1252(path: Path) -> None:
    """Raise CsvError for the first place that speaks against Windows-1252."""
    line, offset, rest = 1, 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            text = rest + block
            if match := _DOUBTS.search(text):
                line += text.count(b"\n", 0, match.start())
                byte = offset + match.start() + 1
                why = _WORDS[match.lastgroup or "other"]
                raise CsvError(f"Line {line}, byte {byte:,} of the file: {why}. {_ADVICE}")
            rest = text[-2:]  # a doubt may be cut in two
            line += text.count(b"\n", 0, len(text) - 2)
            offset += len(text) - len(rest)
