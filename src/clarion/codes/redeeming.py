"""Redeeming codes: each use is checked, counted and kept; one may be undone, and is kept then too.

The row of the code is locked meanwhile, so that two tills at the same moment redeem it once.
"""

from django.db import IntegrityError, transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.codes.errors import CodeError, RedeemError
from clarion.codes.models import LONGEST_CODE, Code, CodePool, Redemption
from clarion.contacts.models import Contact
from clarion.kit import clock
from clarion.kit.text import clean

LONGEST_KEY = 100  # characters
LONGEST_NOTE = 200
_OTHER_CODE = "This key was used for another code. Use a new key for each use."


def find_code(text: str) -> Code | None:
    """The code that somebody typed: as it is written, or else in capitals."""
    text = "".join(text.split())
    if not text or len(text) > LONGEST_CODE or "\x00" in text:
        return None
    codes = Code.objects.select_related("pool", "contact")
    return codes.filter(code=text).first() or codes.filter(code=text.upper()).first()


def why_not(code: Code, pool: CodePool, contact_id: int | None = None) -> RedeemError | None:
    """Why the code can't be redeemed at this moment, by this contact; None when it can."""
    now = clock.now()
    if code.issued_at is None and code.redeemed == 0 and pool.holder_only:
        return RedeemError("not_issued", "No contact has received this code yet.")
    if pool.valid_from is not None and now < pool.valid_from:
        return RedeemError("not_yet_valid", f"The code is valid from {_day(pool.valid_from)}.")
    if pool.valid_until is not None and now >= pool.valid_until:
        return RedeemError("expired", f"The code was valid until {_day(pool.valid_until)}.")
    if pool.uses is not None and code.redeemed >= pool.uses:
        times = "once" if pool.uses == 1 else f"{pool.uses:,} times"
        return RedeemError("used_up", f"The code can be used {times}, and has been.")
    if pool.holder_only and contact_id is None:
        return RedeemError(
            "holder_missing",
            "Only the contact who received this code may use it: name the contact.",
        )
    if pool.holder_only and contact_id != code.contact_id:
        return RedeemError("not_holder", "Another contact received this code.")
    return None


def redeem(
    text: str,
    *,
    by: Agent | str,
    contact_id: int | None = None,
    key: str = "",
    note: str = "",
) -> Redemption:
    """Use a code once. With a ``key`` the same request redeems once, however often it is made.

    Raises RedeemError, and CodeError for a key of another code.
    """
    code = find_code(text)
    if code is None:
        raise RedeemError("unknown", "There is no such code. Check how it is written.")
    if len(key) > LONGEST_KEY:
        raise CodeError(f"A key has at most {LONGEST_KEY} characters.")
    try:
        return _redeem(code, by, contact_id, key, note)
    except IntegrityError:  # the key came with another code at the same moment
        raise CodeError(_OTHER_CODE) from None


def _redeem(
    known: Code, by: Agent | str, contact_id: int | None, key: str, note: str
) -> Redemption:
    with transaction.atomic():
        code = Code.objects.select_for_update().get(pk=known.pk)
        if key and (same := Redemption.objects.filter(key=key).first()):
            if same.code_id != code.pk:
                raise CodeError(_OTHER_CODE)
            return same
        if problem := why_not(code, known.pool, contact_id):
            raise problem
        if contact_id is not None and not Contact.objects.filter(pk=contact_id).exists():
            raise CodeError(f"There is no contact {contact_id}.")
        Code.objects.filter(pk=code.pk).update(redeemed=code.redeemed + 1)
        return Redemption.objects.create(
            code=code,
            contact_id=contact_id,
            key=key or None,
            note=clean(" ".join(note.split()), LONGEST_NOTE),
            agent=by if isinstance(by, Agent) else None,
            by=str(by.name if isinstance(by, Agent) else by),
        )


def undo(redemption: Redemption, *, by: Agent | str) -> None:
    """Take a redemption back: the code can be used once more. Raises CodeError when it was."""
    with transaction.atomic():
        code = Code.objects.select_for_update().get(pk=redemption.code_id)
        undone = Redemption.objects.filter(pk=redemption.pk, undone_at=None).update(
            undone_at=clock.now(), undone_by=str(by.name if isinstance(by, Agent) else by)
        )
        if not undone:
            raise CodeError("This redemption has been undone already.")
        Code.objects.filter(pk=code.pk).update(redeemed=max(0, code.redeemed - 1))
        audit.note("codes.undo", f"code {code.code}", by)


def _day(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
