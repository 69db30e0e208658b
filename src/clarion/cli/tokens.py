"""``clarion token``: what programs log in to the API with."""

from datetime import timedelta
from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_table

app = App("API tokens, which programs log in with.")
_A_YEAR = 365  # days


@app.command("list")
@uses_django
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens that are not revoked, and when each was last used."""
    from clarion.accounts.tokens import limit_of, live_tokens

    tokens = [
        {
            "id": token.pk,
            "name": token.name,
            "prefix": token.prefix,
            "scopes": token.scopes,
            "requests_per_minute": limit_of(token),
            "created_by": token.created_by.name if token.created_by else None,
            "last_used": token.last_used_at,
            "expires": token.expires_at,
        }
        for token in live_tokens().select_related("created_by")
    ]
    if as_json:
        print_json(tokens)
    elif not tokens:
        print_line(
            "There are no tokens yet. Create one with: "
            "clarion token create NAME --scope contacts:read"
        )
    else:
        columns = ("id", "name", "prefix", "scopes", "last_used", "expires")
        headers = ["ID", "NAME", "PREFIX", "SCOPES", "LAST USED", "EXPIRES"]
        print_table(headers, [[token[column] for column in columns] for token in tokens])


@app.command(
    "create",
    examples=['clarion token create "Web shop" --scope contacts:write --scope messages:write'],
)
@uses_django
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The program that uses the token.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", help="What the token may do. Can be repeated. `all` is all."
        ),
    ],
    days: Annotated[
        int,
        typer.Option(min=0, metavar="DAYS", help="Days until the token expires. 0 is never."),
    ] = _A_YEAR,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Most requests a minute. Without it, CLARION_API_PER_MINUTE applies."
        ),
    ] = None,
) -> None:
    """Create a token. It is printed once and stored as a hash only."""
    from clarion.accounts.models import Agent, Role
    from clarion.accounts.scopes import grantable
    from clarion.accounts.tokens import create_token
    from clarion.kit import clock

    by = acting()
    role = by.role if isinstance(by, Agent) else Role.ADMIN
    if isinstance(by, Agent) and not by.may(Role.MANAGER):
        raise Failed("Only managers and admins can create tokens.")
    token, secret = create_token(
        name=name,
        scopes=grantable(role) if scope == ["all"] else scope,
        expires_at=clock.now() + timedelta(days=days) if days else None,
        requests_per_minute=requests_per_minute,
        by=by,
    )
    print_line(f"Created the token {token.name} (ID {token.pk}).")
    print_line(f"Token (shown only now): {secret}")


@app.command("revoke", examples=["clarion token revoke 3"])
@uses_django
def revoke(
    number: Annotated[int, typer.Argument(metavar="ID", help="The token's ID.", min=1)],
) -> None:
    """Revoke a token: programs that use it are refused from now on."""
    from clarion.accounts.tokens import live_tokens, revoke_token
    from clarion.kit.numbers import is_id

    token = live_tokens().filter(pk=number).first() if is_id(number) else None
    if token is None:
        raise Failed(f"There is no token {number}. List them with: clarion token list")
    revoke_token(token, by=acting())
    print_line(f"{token.name} is revoked.")
