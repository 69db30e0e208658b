"""The token of the request itself."""

from pydantic import Field

from clarion.accounts import tokens
from clarion.api.answers import Rules
from clarion.api.guard import ApiRequest
from clarion.api.operations import operation
from clarion.api.types import Id, Moment, Output

AREA = "Token"


class TokenOut(Output):
    """What a token may do, and until when."""

    id: Id
    name: str
    prefix: str = Field(description="The part of the secret that pages show")
    scopes: list[str]
    requests_per_minute: int
    created_at: Moment
    expires_at: Moment | None


@operation(AREA, "GET", "/token", TokenOut, Rules(scope=None))
def get_token(request: ApiRequest) -> TokenOut:
    """Show the token of this request

    A way to check that a token is valid and has the scopes you need.
    """
    token = request.auth
    return TokenOut(
        id=token.pk,
        name=token.name,
        prefix=token.prefix,
        scopes=token.scopes,
        requests_per_minute=tokens.limit_of(token),
        created_at=token.created_at,
        expires_at=token.expires_at,
    )
