"""Codes: pools, filling them, looking codes up and redeeming them."""

from typing import Annotated, ClassVar

from ninja import File, Query, UploadedFile
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, MULTIPART, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import chosen, get, lock
from clarion.api.operations import operation
from clarion.api.problems import not_found
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.broadcasts import history
from clarion.codes import batches, pools, redeeming, stock
from clarion.codes.models import LONGEST_CODE, CodeBatch, CodePool, Redemption
from clarion.codes.pools import LONGEST_NAME, MOST_CODES, MOST_USES
from clarion.codes.pools import Rules as PoolRules
from clarion.codes.redeeming import LONGEST_KEY, LONGEST_NOTE
from clarion.contacts import uploads
from clarion.contacts.models import Contact
from clarion.insights.codes import codes_of_broadcast

AREA = "Codes"
_READ, _WRITE = "codes:read", "codes:write"


class PoolIn(Input):
    """The rules of a pool."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    pattern: str = Field(
        "",
        max_length=LONGEST_CODE,
        description="Such as SPRING-####-????; # is a digit, ? a letter",
    )
    look_alikes: bool = Field(False, description="Also characters that look alike, such as 0 and O")
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    uses: int | None = Field(1, ge=1, le=MOST_USES, description="null is any number of times")
    holder_only: bool = Field(False, description="Only who received a code can redeem it")
    low_at: int = Field(0, ge=0, le=MOST_CODES, description="Warn when fewer are free")
    top_up: int = Field(0, ge=0, le=MOST_CODES, description="Generate as many then")


class PoolOut(Output):
    """A pool, its rules and its numbers."""

    volatile: ClassVar[frozenset[str]] = frozenset({"total", "issued", "redeemed", "free"})
    id: Id
    name: str
    pattern: str
    look_alikes: bool
    valid_from: Moment | None
    valid_until: Moment | None
    uses: int | None
    holder_only: bool
    low_at: int
    top_up: int
    archived: bool
    total: int
    issued: int
    redeemed: int
    free: int


class GenerateIn(Input):
    """How many codes to generate."""

    count: int = Field(ge=1, le=MOST_CODES)


class BatchOut(Output):
    """Codes that are generated or imported by a worker; few are there at once."""

    id: Id
    pool_id: Id
    state: str
    wanted: int
    added: int


class RedemptionOut(Output):
    """One use of a code."""

    id: Id
    code: str
    pool_id: Id
    contact_id: Id | None
    at: Moment
    note: str
    undone_at: Moment | None


class CodeOut(Output):
    """A code: whose it is, and whether it can be redeemed now."""

    code: str
    pool_id: Id
    contact_id: Id | None
    issued_at: Moment | None
    redeemed: int
    redeemable: bool
    why_not: str | None = Field(description="A word such as expired or used_up")
    detail: str
    redemptions: list[RedemptionOut]


class RedeemIn(Input):
    """Which code, and for whom."""

    code: str = Field(min_length=1, max_length=LONGEST_CODE)
    contact_id: Id | None = None
    key: str = Field(
        "", max_length=LONGEST_KEY, description="Redeems once, however often it is sent"
    )
    note: str = Field("", max_length=LONGEST_NOTE)


class HeldOut(Output):
    """A code that a contact got."""

    code: str
    pool_id: Id
    contact_id: Id
    issued_at: Moment
    redeemed: int = Field(description="How often it was redeemed")
    redeemed_at: Moment | None = Field(description="The last time")


@operation(AREA, "GET", "/code-pools", Page[PoolOut], Rules(_READ, paged=True))
def list_code_pools(
    request: ApiRequest, archived: bool = False, limit: Limit = 50, cursor: CursorText = ""
) -> Page[PoolOut]:
    """List the pools in use, or the archived ones"""
    listed = CodePool.objects.filter(archived_at__isnull=not archived)
    return page_of(listed, limit, cursor, _shown)


@operation(
    AREA, "POST", "/code-pools", PoolOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_code_pool(request: ApiRequest, body: PoolIn) -> Created:
    """Create an empty pool"""
    pool = pools.create(PoolRules(**body.model_dump()), by=request.by)
    return Created(_shown(pool), f"/api/v1/code-pools/{pool.pk}")


@operation(AREA, "GET", "/code-pools/{pool_id}", PoolOut, Rules(_READ, tagged=True))
def get_code_pool(request: ApiRequest, pool_id: Id) -> PoolOut:
    """Get a pool"""
    return _shown(_find(pool_id))


@operation(
    AREA, "PUT", "/code-pools/{pool_id}", PoolOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_code_pool(request: ApiRequest, pool_id: Id, body: PoolIn) -> PoolOut:
    """Replace the rules of a pool; they apply to codes that contacts have, too"""
    pool = lock(CodePool.objects.all(), pool_id, "code pool")
    require_match(request, _shown(pool))
    pools.update(pool, PoolRules(**body.model_dump()), by=request.by)
    return _shown(pool)


@operation(AREA, "DELETE", "/code-pools/{pool_id}", None, Rules(_WRITE, edits=True))
def delete_code_pool(request: ApiRequest, pool_id: Id) -> None:
    """Delete a pool of which nobody has a code"""
    pool = lock(CodePool.objects.all(), pool_id, "code pool")
    require_match(request, _shown(pool))
    pools.delete(pool, by=request.by)


@operation(AREA, "POST", "/code-pools/{pool_id}/archive", PoolOut, Rules(_WRITE))
def archive_code_pool(request: ApiRequest, pool_id: Id) -> PoolOut:
    """Issue no more codes of a pool; issued codes can still be redeemed"""
    pools.archive(_find(pool_id), by=request.by)
    return _shown(_find(pool_id))


@operation(AREA, "POST", "/code-pools/{pool_id}/restore", PoolOut, Rules(_WRITE))
def restore_code_pool(request: ApiRequest, pool_id: Id) -> PoolOut:
    """Issue codes of an archived pool again"""
    pools.restore(_find(pool_id), by=request.by)
    return _shown(_find(pool_id))


@operation(
    AREA, "POST", "/code-pools/{pool_id}/generate", BatchOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=202,
)  # fmt: skip
def generate_codes(request: ApiRequest, pool_id: Id, body: GenerateIn) -> Created:
    """Generate codes by the pattern of a pool; a worker does it"""
    batch = batches.order_codes(_find(pool_id), body.count, by=request.by)
    return Created(_batch(batch), f"/api/v1/code-batches/{batch.pk}")


@operation(
    AREA, "POST", "/code-pools/{pool_id}/import", BatchOut,
    Rules(_WRITE, repeatable=True, body=MULTIPART), status=202,
)  # fmt: skip
def import_codes(
    request: ApiRequest,
    pool_id: Id,
    file: File[UploadedFile],
    column: Annotated[str, Query("", max_length=200)] = "",
) -> Created:
    """Import codes of your own from a CSV file; a worker does it"""
    token = uploads.keep(file.chunks())
    batch = batches.order_import(
        _find(pool_id), token, filename=file.name or "file", column=column or None, by=request.by
    )
    return Created(_batch(batch), f"/api/v1/code-batches/{batch.pk}")


@operation(AREA, "GET", "/code-batches/{batch_id}", BatchOut, Rules(_READ))
def get_code_batch(request: ApiRequest, batch_id: Id) -> BatchOut:
    """Get the progress of codes that are generated or imported"""
    return _batch(get(CodeBatch.objects.all(), batch_id, "batch"))


@operation(AREA, "GET", "/codes", CodeOut, Rules(_READ))
def find_code(
    request: ApiRequest,
    code: Annotated[str, Query(..., min_length=1, max_length=LONGEST_CODE)],
    contact_id: Annotated[Id | None, Query(None, description="Who would redeem it")] = None,
) -> CodeOut:
    """Look a code up: whose it is, and whether it can be redeemed now"""
    match = redeeming.find_code(code)
    if match is None:
        raise not_found("such code")
    problem = redeeming.why_not(match, match.pool, contact_id)
    return CodeOut(
        code=match.code,
        pool_id=match.pool_id,
        contact_id=match.contact_id or None,
        issued_at=match.issued_at,
        redeemed=match.redeemed,
        redeemable=problem is None,
        why_not=problem.why if problem else None,
        detail=str(problem) if problem else "",
        redemptions=[_use(use) for use in match.redemptions.order_by("-pk")[:100]],
    )


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/codes", Page[HeldOut], Rules(_READ, paged=True))
def list_broadcast_codes(
    request: ApiRequest,
    broadcast_id: Id,
    redeemed: Annotated[bool, Query(False, description="Only those that were redeemed")] = False,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[HeldOut]:
    """List the codes that contacts got from a broadcast and its restarts"""
    broadcast = get(history.visible(), broadcast_id, "broadcast")
    page = codes_of_broadcast(broadcast, cursor or None, redeemed=redeemed, limit=limit)
    items = [
        HeldOut(
            code=held.code,
            pool_id=held.pool_id,
            contact_id=held.contact_id,
            issued_at=held.issued_at,
            redeemed=held.redeemed,
            redeemed_at=held.redeemed_at,
        )
        for held in page.rows
    ]
    return Page(items=items, next=page.next_cursor)


@operation(
    AREA, "POST", "/codes/redeem", RedemptionOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def redeem_code(request: ApiRequest, body: RedeemIn) -> RedemptionOut:
    """Redeem a code once

    With a `key`, or an Idempotency-Key, the same request redeems once, however often it is sent.
    """
    chosen(Contact.objects.all(), body.contact_id, "contact_id")
    use = redeeming.redeem(
        body.code, by=request.by, contact_id=body.contact_id, key=body.key, note=body.note
    )
    return _use(use)


@operation(AREA, "POST", "/redemptions/{redemption_id}/undo", RedemptionOut, Rules(_WRITE))
def undo_redemption(request: ApiRequest, redemption_id: Id) -> RedemptionOut:
    """Undo a redemption: the code can be used once more"""
    uses = Redemption.objects.select_related("code")
    redeeming.undo(get(uses, redemption_id, "redemption"), by=request.by)
    return _use(get(uses, redemption_id, "redemption"))


def _find(number: int) -> CodePool:
    return get(CodePool.objects.all(), number, "code pool")


def _shown(pool: CodePool) -> PoolOut:
    numbers = stock.numbers([pool])[pool.pk]
    rules = {name: getattr(pool, name) for name in PoolRules.__slots__}
    return PoolOut(
        id=pool.pk,
        archived=pool.archived_at is not None,
        total=numbers.total,
        issued=numbers.issued,
        redeemed=numbers.redeemed,
        free=numbers.free,
        **rules,
    )


def _batch(batch: CodeBatch) -> BatchOut:
    return BatchOut(
        id=batch.pk, pool_id=batch.pool_id, state=batch.state, wanted=batch.wanted,
        added=batch.created,
    )  # fmt: skip


def _use(use: Redemption) -> RedemptionOut:
    return RedemptionOut(
        id=use.pk,
        code=use.code.code,
        pool_id=use.code.pool_id,
        contact_id=use.contact_id,
        at=use.at,
        note=use.note,
        undone_at=use.undone_at,
    )
