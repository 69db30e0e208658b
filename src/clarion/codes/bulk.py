"""Redeeming the codes of a CSV file, as tills and shops hand them in.

Every line is accounted for: redeemed + repeated + refused = lines. A line is redeemed once, however
often the same file is brought.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.db import transaction

from clarion.accounts.models import Agent
from clarion.codes.batches import choose_column
from clarion.codes.errors import CodeError, RedeemError
from clarion.codes.models import Redemption
from clarion.codes.redeeming import redeem
from clarion.contacts.rejects import Reject, Rejects
from clarion.kit.batches import batches
from clarion.kit.csvfile import CsvError, CsvFile, Row
from clarion.kit.numbers import parse_id

CHUNK = 500  # lines of one transaction
_CONTACT = ("contact", "contact id", "contact_id")  # titles of the column that names who used it


@dataclass(slots=True)
class Result:
    """What became of the lines of a file."""

    lines: int = 0
    redeemed: int = 0
    repeated: int = 0  # redeemed before from the same line of the same file
    refused: int = 0
    shown: tuple[Reject, ...] = ()  # the first that were refused


def redeem_file(
    path: Path,
    *,
    by: Agent | str,
    column: str | None = None,
    rejects: Path | None = None,
    most: int | None = None,
    tell: Callable[[Result, int, int], None] = lambda result, done, total: None,
) -> Result:
    """Redeem the code of each line; a column “contact” names the contact who used it.

    Refused lines are written to ``rejects`` with the reason. A file of more than ``most`` lines is
    refused before anything is redeemed. ``tell`` is called after each chunk
    with the result so far and the bytes read and in all. Raises CodeError when the file can't be
    read, and OSError; what came before a fault half way is redeemed.
    """
    try:
        file = CsvFile(path)
        code_column = file.columns.index(choose_column(file.columns, column))
        contact_column = next(
            (i for i, t in enumerate(file.columns) if t.lower() in _CONTACT), None
        )
        if most is not None and sum(1 for _ in islice(file.rows(), most + 1)) > most:
            raise CodeError(
                f"The file has more than {most:,} lines. Use: clarion codes redeem-file FILE"
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        result, refused = Result(), Rejects(rejects)
        try:
            for rows in batches(file.rows(), CHUNK):
                with transaction.atomic():
                    for row in rows:
                        _redeem_line(row, code_column, contact_column, digest, by, result, refused)
                refused.flush()
                tell(result, file.position, file.size)
        finally:
            refused.close()
    except CsvError as error:
        raise CodeError(str(error)) from None
    result.shown = tuple(refused.shown)
    return result


def _redeem_line(
    row: Row,
    code_column: int,
    contact_column: int | None,
    digest: str,
    by: Agent | str,
    result: Result,
    refused: Rejects,
) -> None:
    line, cells = row
    result.lines += 1
    code = cells[code_column].strip() if code_column < len(cells) else ""
    key = f"{digest}:{line}"
    if Redemption.objects.filter(key=key).exists():
        result.repeated += 1
        return
    who = (
        cells[contact_column].strip()
        if contact_column is not None and contact_column < len(cells)
        else ""
    )
    try:
        redeem(code, by=by, contact_id=_contact_id(who), key=key)
    except (RedeemError, CodeError) as error:
        result.refused += 1
        refused.add(line, code, str(error))
    else:
        result.redeemed += 1


def _contact_id(text: str) -> int | None:
    if not text:
        return None
    if number := parse_id(text):
        return number
    raise CodeError(f"“{text[:50]}” is not the number of a contact.")
