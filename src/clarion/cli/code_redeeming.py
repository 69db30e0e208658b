"""``clarion codes``: looking codes up, and redeeming them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import AsJson, Limit
from clarion.cli.output import (
    counted,
    print_cut,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.codes.models import Code, Redemption

TheCode = Annotated[str, typer.Argument(metavar="CODE", help="The code as the contact got it.")]
Column = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column of codes. Without it, it is detected."),
]
RejectsTo = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Write refused lines and reasons to this file."),
]


def add_to(app: App) -> None:
    """Add the commands to those of codes."""
    app.command(examples=["clarion codes show SPRING-4829-KXWT"])(show)
    app.command(
        examples=[
            "clarion codes redeem SPRING-4829-KXWT",
            "clarion codes redeem SPRING-4829-KXWT --contact 4711 --key order-88",
        ]
    )(redeem)
    example = "clarion codes redeem-file till.csv --rejects refused.csv"
    app.command("redeem-file", examples=[example])(redeem_file)
    app.command()(undo)
    app.command()(redemptions)


@uses_django
def show(text: TheCode, as_json: AsJson = False) -> None:
    """Show a code: its pool, who has it, and when it was redeemed."""
    from clarion.codes.redeeming import find_code

    code = find_code(text)
    if code is None:
        raise Failed("There is no such code. Check how it is written.")
    if as_json:
        print_json(_code_document(code))
        return
    print_facts(
        [
            ("Code", code.code),
            ("Pool", code.pool.name),
            ("Contact", f"{code.contact} (contact {code.contact_id})" if code.contact else "–"),
            ("Issued", code.issued_at),
            ("Redeemed", f"{code.redeemed:,} of {code.pool.uses or 'unlimited'} uses"),
        ]
    )
    uses = code.redemptions.order_by("pk")
    if uses:
        print_table(
            ["REDEMPTION", "TIME", "BY", "NOTE", "UNDONE"],
            [[use.pk, use.at, use.by, use.note, use.undone_at] for use in uses],
        )


@uses_django
def redeem(
    text: TheCode,
    contact: Annotated[
        int | None, typer.Option(metavar="N", help="The contact who uses it, by number.")
    ] = None,
    key: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Identifies this use: repeated with the same key, it counts once."
        ),
    ] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="A remark to keep with it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Redeem a code. The date, the number of uses and the contact are checked."""
    from clarion.codes import redeeming

    used = redeeming.redeem(text, by=acting(), contact_id=contact, key=key, note=note)
    if as_json:
        print_json(_redemption_document(used))
        return
    print_line(f"Redeemed {used.code.code} (redemption {used.pk}).")


@uses_django
def redeem_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file with a column of codes.")
    ],
    column: Column = None,
    rejects: RejectsTo = None,
    as_json: AsJson = False,
) -> None:
    """Redeem the codes of a CSV file. Brought again, the same file redeems nothing twice."""
    from clarion.codes import bulk

    with progress("Redeeming") as update:
        result = bulk.redeem_file(
            file,
            by=acting(),
            column=column,
            rejects=rejects,
            tell=lambda so_far, done, total: update(done, total, f"{so_far.lines:,} lines"),
        )
    if as_json:
        fields = ("lines", "redeemed", "repeated", "refused")
        print_json({name: getattr(result, name) for name in fields})
        return
    print_line(
        f"{counted(result.lines, 'line')}: {result.redeemed:,} redeemed, "
        f"{result.repeated:,} redeemed before, {result.refused:,} refused."
    )
    for refused in result.shown[:10]:
        print_note(f"Line {refused.line}, {refused.value}: {refused.reason}")


@uses_django
def undo(
    redemption: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="The redemption's number.")
    ],
    as_json: AsJson = False,
) -> None:
    """Undo a redemption: the code can be used once more."""
    from clarion.codes import redeeming
    from clarion.codes.models import Redemption

    used = Redemption.objects.select_related("code").filter(pk=redemption).first()
    if used is None:
        raise Failed(
            f"There is no redemption {redemption}. “clarion codes redemptions” lists them."
        )
    redeeming.undo(used, by=acting())
    if as_json:
        used.refresh_from_db()
        print_json(_redemption_document(used))
        return
    print_line(f"Undone. {used.code.code} can be used once more.")


@uses_django
def redemptions(
    pool: Annotated[
        str | None, typer.Option(metavar="POOL", help="Only those of this pool.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List redemptions, the newest first."""
    from clarion.codes.models import Redemption
    from clarion.codes.pools import find_pool

    uses = Redemption.objects.select_related("code__pool").order_by("-pk")
    if pool is not None:
        uses = uses.filter(code__pool=find_pool(pool))
    rows = list(uses[: limit + 1])
    if as_json:
        print_json([_redemption_document(redemption) for redemption in rows[:limit]])
        return
    if not rows:
        print_line("No code has been redeemed yet.")
        return
    print_table(
        ["REDEMPTION", "TIME", "CODE", "POOL", "BY", "NOTE", "UNDONE"],
        [
            [
                redemption.pk,
                redemption.at,
                redemption.code.code,
                redemption.code.pool.name,
                redemption.by,
                redemption.note,
                redemption.undone_at,
            ]
            for redemption in rows[:limit]
        ],
    )
    if len(rows) > limit:
        print_cut(limit)


def _code_document(code: "Code") -> dict[str, Any]:
    return {
        "code": code.code,
        "pool": code.pool.name,
        "contact": code.contact_id,
        "issued_at": code.issued_at,
        "redeemed": code.redeemed,
        "redemptions": [
            _redemption_document(redemption) for redemption in code.redemptions.order_by("pk")
        ],
    }


def _redemption_document(used: "Redemption") -> dict[str, Any]:
    return {
        "id": used.pk,
        "code": used.code.code,
        "contact": used.contact_id,
        "key": used.key,
        "note": used.note,
        "by": used.by,
        "at": used.at,
        "undone_at": used.undone_at,
        "undone_by": used.undone_by,
    }
