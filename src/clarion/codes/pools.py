"""Pools of codes: make, change, archive, delete, and what their rules are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.codes import patterns, signals
from clarion.codes.errors import CodeError
from clarion.codes.models import Code, CodePool
from clarion.kit import clock
from clarion.kit.names import NAMED, no_such, some
from clarion.kit.text import clean

LONGEST_NAME = 100  # characters
MOST_USES = 1_000_000  # of one code, where they are limited
MOST_CODES = 10_000_000  # that one order may generate


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an agent decides about a pool; see CodePool."""

    name: str
    pattern: str = ""
    look_alikes: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses: int | None = 1
    holder_only: bool = False
    low_at: int = 0
    top_up: int = 0

    @classmethod
    def of(cls, pool: CodePool) -> "Rules":
        """The rules that a pool has."""
        return cls(**{name: getattr(pool, name) for name in cls.__slots__})

    def checked(self) -> dict[str, Any]:
        """The fields of a pool. Raises CodeError."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["name"] = name = " ".join(self.name.split())
        if not name or clean(name, LONGEST_NAME) != name:
            raise CodeError(f"Give the pool a name of 1 to {LONGEST_NAME} characters.")
        if self.pattern.strip():
            parsed = patterns.parse(self.pattern, look_alikes=self.look_alikes)
            fields["pattern"] = parsed.text
        if self.uses is not None and not 1 <= self.uses <= MOST_USES:
            raise CodeError(f"A code can be used 1 to {MOST_USES:,} times, or any number of times.")
        for number in (self.low_at, self.top_up):
            if not 0 <= number <= MOST_CODES:
                raise CodeError(f"Numbers of codes are between 0 and {MOST_CODES:,}.")
        if self.top_up and not self.pattern.strip():
            raise CodeError("Only a pool with a pattern can be topped up. Give it a pattern.")
        if self.top_up and not self.low_at:
            raise CodeError("Set the low stock at which the pool is topped up.")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise CodeError("The codes would end before they begin. Correct the dates.")
        return fields


def create(rules: Rules, *, by: Agent | str) -> CodePool:
    """Make an empty pool. Raises CodeError."""
    pool = CodePool(**rules.checked(), agent=by if isinstance(by, Agent) else None)
    with transaction.atomic():
        _save(pool)
        audit.note("codes.create", _subject(pool), by, name=pool.name)
    return pool


def update(pool: CodePool, rules: Rules, *, by: Agent | str) -> CodePool:
    """Give a pool other rules; they hold for the codes that it has, too. Raises CodeError."""
    fields = rules.checked()
    before = {name: getattr(pool, name) for name in fields}
    changes = {name: value for name, value in fields.items() if value != before[name]}
    if not changes:
        return pool
    with transaction.atomic():
        for name, value in changes.items():
            setattr(pool, name, value)
        _save(pool, list(changes))
        detail = {name: [_plain(before[name]), _plain(value)] for name, value in changes.items()}
        audit.note("codes.update", _subject(pool), by, **detail)
    return pool


def archive(pool: CodePool, *, by: Agent | str) -> None:
    """Issue no more codes of a pool. Codes that contacts have can still be redeemed.

    Raises CodeError while a broadcast needs it.
    """
    _check_unneeded(pool)
    with transaction.atomic():
        CodePool.objects.filter(pk=pool.pk, archived_at=None).update(archived_at=clock.now())
        audit.note("codes.archive", _subject(pool), by, name=pool.name)


def restore(pool: CodePool, *, by: Agent | str) -> None:
    """Issue codes of an archived pool again."""
    with transaction.atomic():
        CodePool.objects.filter(pk=pool.pk).update(archived_at=None)
        audit.note("codes.restore", _subject(pool), by, name=pool.name)


def delete(pool: CodePool, *, by: Agent | str) -> None:
    """Delete a pool whose codes nobody has got, with its codes: it can't be undone.

    Raises CodeError when a contact has one of its codes, or a broadcast needs it. Entry points ask
    first.
    """
    with transaction.atomic():
        locked = CodePool.objects.select_for_update().filter(pk=pool.pk).first()
        if locked is None:
            raise CodeError("This pool has been deleted already.")
        _check_unneeded(locked)
        codes = Code.objects.filter(pool=locked)
        if codes.filter(Q(issued_at__isnull=False) | Q(redeemed__gt=0)).exists():
            raise CodeError("Contacts have codes of this pool. Archive it instead.")
        number, name = _subject(locked), locked.name
        codes._raw_delete(codes.db)
        locked.delete()
        audit.note("codes.delete", number, by, name=name)


def find_pool(name: str) -> CodePool:
    """The pool of that name. Raises CodeError that names the known ones."""
    pool = CodePool.objects.filter(name=name.strip()).first()
    if pool is not None:
        return pool
    pools = CodePool.objects.filter(archived_at=None).order_by("name")
    raise CodeError(no_such("code pool", name, pools.values_list("name", flat=True)[: NAMED + 1]))


def sample(pool: CodePool) -> str:
    """A code such as the pool has, for a preview: the same one each time."""
    if not pool.pattern:
        return "SAMPLE-CODE"
    return patterns.parse(pool.pattern, look_alikes=pool.look_alikes).sample


def why_not_issued(pool: CodePool) -> str:
    """Why the pool issues no code at this moment, apart from its stock; "" when it does."""
    if pool.archived_at is not None:
        return f"The code pool “{pool.name}” is archived. Restore it, or choose another one."
    if pool.valid_until is not None and pool.valid_until <= clock.now():
        return f"The codes of “{pool.name}” have expired. Extend their validity."
    return ""


def can_top_up(pool: CodePool) -> bool:
    """Whether a worker adds codes when few are left, and the pattern has room for them."""
    if not pool.top_up:
        return False
    pattern = patterns.parse(pool.pattern, look_alikes=pool.look_alikes)
    return pattern.holds(pool.total + pool.top_up)


def needed_by(pool: CodePool) -> list[str]:
    """What needs this pool and is not over yet, in words such as “broadcast 12”."""
    return [user for _, names in signals.needed.send(CodePool, pool=pool) for user in names or ()]


def _check_unneeded(pool: CodePool) -> None:
    if users := needed_by(pool):
        raise CodeError(
            f"“{pool.name}” is used by {some(users)}. "
            "Let them finish, stop them, or edit them first."
        )


def _save(pool: CodePool, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            pool.save(update_fields=fields)
    except IntegrityError:
        raise CodeError(
            f"There is already a code pool called “{pool.name}”. Choose another name."
        ) from None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _subject(pool: CodePool) -> str:
    return f"code pool {pool.pk}"
