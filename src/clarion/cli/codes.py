"""``clarion codes``: pools of unique codes, who has which, and redeeming them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli import code_redeeming
from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.code_redeeming import Column, RejectsTo
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import MOMENT, AsJson, BroadcastId, Limit, parse_moment
from clarion.cli.output import (
    counted,
    print_cut,
    print_json,
    print_line,
    print_table,
)
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.codes.models import CodeBatch, CodePool
    from clarion.codes.stock import Numbers

app = App("Unique codes: pools, stock, and redeeming.")

Pool = Annotated[str, typer.Argument(metavar="POOL", help="The pool's name.")]
Pattern = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="What codes look like, such as SPRING-####-????: # is a digit, ? a letter, * either.",
    ),
]
LookAlikes = Annotated[
    bool,
    typer.Option("--look-alikes", help="Allow characters that look alike: 0 and O, 1 and I and L."),
]
ValidFrom = Annotated[
    str | None, typer.Option(metavar="TIME", help=f"When codes become valid, such as {MOMENT}.")
]
ValidUntil = Annotated[
    str | None, typer.Option(metavar="TIME", help="When codes stop being valid.")
]
Uses = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="How often each code can be used; 0: without a limit."),
]
HolderOnly = Annotated[
    bool, typer.Option("--holder-only", help="Only the contact who got a code may use it.")
]
LowAt = Annotated[
    int, typer.Option(min=0, metavar="N", help="The stock is low below this many free codes.")
]
TopUp = Annotated[
    int, typer.Option(min=0, metavar="N", help="Generate this many codes when the stock is low.")
]


@app.command("list")
@uses_django
def list_pools(as_json: AsJson = False) -> None:
    """List the pools with their numbers of codes."""
    from clarion.codes.models import CodePool
    from clarion.codes.stock import numbers

    pools = list(CodePool.objects.order_by("name"))
    counts = numbers(pools)
    if as_json:
        print_json([_pool_document(pool, counts[pool.pk]) for pool in pools])
        return
    if not pools:
        print_line("There are no code pools yet. Create one with: clarion codes create NAME")
        return
    print_table(
        ["NAME", "PATTERN", "TOTAL", "FREE", "ISSUED", "REDEEMED", "RATE", "STATE"],
        [
            [
                pool.name,
                pool.pattern,
                counts[pool.pk].total,
                counts[pool.pk].free,
                counts[pool.pk].issued,
                counts[pool.pk].redeemed,
                _rate(counts[pool.pk]),
                "archived" if pool.archived_at else "active",
            ]
            for pool in pools
        ],
    )


@app.command(
    examples=[
        'clarion codes create spring --pattern "SPRING-####-????" --generate 1000',
        "clarion codes create partner --valid-until 2027-01-31T23:59 --holder-only",
    ]
)
@uses_django
def create(
    name: Pool,
    pattern: Pattern = "",
    look_alikes: LookAlikes = False,
    generate: Annotated[
        int, typer.Option(min=0, metavar="N", help="Generate this many codes at once.")
    ] = 0,
    valid_from: ValidFrom = None,
    valid_until: ValidUntil = None,
    uses: Uses = 1,
    holder_only: HolderOnly = False,
    low_at: LowAt = 0,
    top_up: TopUp = 0,
    as_json: AsJson = False,
) -> None:
    """Create a pool. Without a pattern its codes come from a file: clarion codes import."""
    from clarion.codes import patterns, pools
    from clarion.codes.stock import numbers

    rules = pools.Rules(
        name=name,
        pattern=pattern,
        look_alikes=look_alikes,
        valid_from=parse_moment("--valid-from", valid_from),
        valid_until=parse_moment("--valid-until", valid_until),
        uses=uses or None,
        holder_only=holder_only,
        low_at=low_at,
        top_up=top_up,
    )
    if generate:  # a pool that can't be filled as wanted is not made at all
        patterns.parse(pattern, look_alikes=look_alikes).check_holds(generate)
    pool = pools.create(rules, by=acting())
    if generate:
        _generate(pool, generate)
        pool.refresh_from_db()
    if as_json:
        print_json(_pool_document(pool, numbers([pool])[pool.pk]))
        return
    print_line(f"Created the pool “{pool.name}” with {counted(pool.total, 'code')}.")


@app.command(
    examples=[
        "clarion codes edit spring --valid-until 2027-03-31T23:59 --low-at 100 --top-up 1000",
        "clarion codes edit spring --valid-until none",
    ]
)
@uses_django
def edit(
    name: Pool,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its new name.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="What codes added later look like.")
    ] = None,
    look_alikes: Annotated[
        bool | None, typer.Option("--look-alikes/--no-look-alikes", help="Allow 0 and O, 1 and I.")
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option(metavar="TIME", help="When codes become valid, or “none”.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option(metavar="TIME", help="When codes stop being valid, or “none”.")
    ] = None,
    uses: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Uses of each code; 0: without a limit.")
    ] = None,
    holder_only: Annotated[
        bool | None,
        typer.Option("--holder-only/--anyone", help="Who may use a code: its holder, or anyone."),
    ] = None,
    low_at: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="The stock is low below this many free codes."),
    ] = None,
    top_up: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Generate this many codes when the stock is low."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change the rules of a pool. They apply to the codes that it has, too."""
    from clarion.codes import pools
    from clarion.codes.stock import numbers

    pool = pools.find_pool(name)
    options = {
        "name": new_name,
        "pattern": pattern,
        "look_alikes": look_alikes,
        "holder_only": holder_only,
        "low_at": low_at,
        "top_up": top_up,
    }
    changes: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    if uses is not None:
        changes["uses"] = uses or None
    for key, text in (("valid_from", valid_from), ("valid_until", valid_until)):
        if text is not None:
            option = f"--{key.replace('_', '-')}"
            changes[key] = None if text == "none" else parse_moment(option, text)
    pools.update(pool, replace(pools.Rules.of(pool), **changes), by=acting())
    if as_json:
        print_json(_pool_document(pool, numbers([pool])[pool.pk]))
        return
    print_line(f"Saved the pool “{pool.name}”.")


@app.command(examples=["clarion codes generate spring 1000000"])
@uses_django
def generate(
    name: Pool,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many codes to add.")],
    as_json: AsJson = False,
) -> None:
    """Generate codes by the pool's pattern."""
    from clarion.codes.pools import find_pool

    _report(_generate(find_pool(name), count), as_json)


@app.command("import", examples=["clarion codes import partner codes.csv --column voucher"])
@uses_django
def import_codes(
    name: Pool,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file in UTF-8 with a header row.")
    ],
    column: Column = None,
    rejects: RejectsTo = None,
    as_json: AsJson = False,
) -> None:
    """Import codes from a CSV file. A code that a pool has already is left out and listed."""
    import shutil

    from clarion.codes import batches
    from clarion.codes.pools import find_pool
    from clarion.contacts import uploads

    pool = find_pool(name)
    with file.open("rb") as opened:
        token = uploads.keep(iter(lambda: opened.read(1 << 20), b""))
    batch = batches.order_import(pool, token, filename=file.name, column=column, by=acting())
    _carry_out(batch)
    if rejects and (path := batches.rejects_file(batch)):
        shutil.copyfile(path, rejects)
    _report(batch, as_json)


@app.command(examples=["clarion codes issued 17 --redeemed"])
@uses_django
def issued(
    broadcast: BroadcastId,
    redeemed: Annotated[
        bool, typer.Option("--redeemed", help="Only codes that were redeemed.")
    ] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List which contact got which code from a broadcast and its restarts."""
    from clarion.insights.codes import codes_of_broadcast

    page = codes_of_broadcast(find_broadcast(broadcast), redeemed=redeemed, limit=limit)
    columns = ("code", "contact", "name", "issued_at", "redeemed", "redeemed_at")
    rows = [
        [held.code, held.contact_id, held.contact, held.issued_at, held.redeemed, held.redeemed_at]
        for held in page.rows
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif not rows:
        print_line("No codes.")
    else:
        print_table([name.upper().replace("_", " ") for name in columns], rows)
        if page.next_cursor:
            print_cut(limit)


@app.command()
@uses_django
def archive(name: Pool, as_json: AsJson = False) -> None:
    """Issue no more codes of a pool. Codes that contacts have can still be redeemed."""
    from clarion.codes import pools

    pools.archive(pools.find_pool(name), by=acting())
    _done(name, "archived", as_json)


@app.command()
@uses_django
def restore(name: Pool, as_json: AsJson = False) -> None:
    """Issue codes of an archived pool again."""
    from clarion.codes import pools

    pools.restore(pools.find_pool(name), by=acting())
    _done(name, "restored", as_json)


@app.command()
@uses_django
def delete(
    name: Pool,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a pool whose codes nobody has got."""
    from clarion.codes import pools

    pool = pools.find_pool(name)
    if not yes:
        typer.confirm(
            f"Delete “{pool.name}” and its {counted(pool.total, 'code')}? This can't be undone.",
            abort=True,
            err=True,
        )
    pools.delete(pool, by=acting())
    _done(name, "deleted", as_json)


def _generate(pool: "CodePool", count: int) -> "CodeBatch":
    from clarion.codes import batches

    batch = batches.order_codes(pool, count, by=acting())
    _carry_out(batch)
    return batch


def _carry_out(batch: "CodeBatch") -> None:
    """Raises Failed with what is wrong with the order."""
    from clarion.codes import batches

    with progress("Adding codes") as update:
        batches.carry_out(
            batch, lambda row: update(row.created, row.wanted, f"{row.created:,} codes")
        )
    batch.refresh_from_db()
    if batch.state == batch.State.FAILED:
        raise Failed(batch.error)


def _report(batch: "CodeBatch", as_json: bool) -> None:
    fields = ("created", "repeated", "rejected")
    if as_json:
        counts = {name: getattr(batch, name) for name in fields}
        print_json({"pool": batch.pool.name, "lines": batch.lines, **counts})
        return
    more = ""
    if batch.lines:
        more = f" {batch.repeated:,} repeated, {batch.rejected:,} rejected."
    print_line(f"Added {counted(batch.created, 'code')} to “{batch.pool.name}”.{more}")


def _done(name: str, verb: str, as_json: bool) -> None:
    if as_json:
        print_json({"pool": name, "state": verb})
        return
    print_line(f"“{name}” has been {verb}.")


def _rate(count: "Numbers") -> str:
    return "–" if count.rate is None else f"{count.rate:.0%}"


def _pool_document(pool: "CodePool", count: "Numbers") -> dict[str, Any]:
    return {
        "id": pool.pk,
        "name": pool.name,
        "pattern": pool.pattern,
        "look_alikes": pool.look_alikes,
        "valid_from": pool.valid_from,
        "valid_until": pool.valid_until,
        "uses": pool.uses,
        "holder_only": pool.holder_only,
        "low_at": pool.low_at,
        "top_up": pool.top_up,
        "archived": pool.archived_at is not None,
        "total": count.total,
        "free": count.free,
        "issued": count.issued,
        "redeemed": count.redeemed,
        "redemption_rate": count.rate,
    }


code_redeeming.add_to(app)
