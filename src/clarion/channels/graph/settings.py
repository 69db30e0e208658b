"""Settings that every channel of the Graph API has, and what they must look like."""

import re
from secrets import token_urlsafe

from pydantic import SecretStr

# v26.0 came on 29 July 2026; a version lives for two years at least:
# https://developers.facebook.com/docs/graph-api/changelog/versions/
VERSION = "v26.0"
OFFICIAL = f"https://graph.facebook.com/{VERSION}"
PROVES_CALLBACKS = (
    "In Meta's app dashboard, under App settings, Basic. It proves that callbacks are from Meta; "
    "without it they are refused."
)
PROVES_SERVER = (
    "Meta sends it when it first tries your webhook URL. Leave it empty to generate one, or write "
    "one if you enter the webhook URL at Meta by hand."
)
PRIVATE_HELP = "Allows a Graph API in your own network or on this machine, such as the simulator."
_ID = re.compile(r"[0-9]{1,30}")
_TOKEN = re.compile(r"[!-~]{1,2000}")


def new_verify_token() -> SecretStr:
    """A verify token that nobody can guess."""
    return SecretStr(token_urlsafe(32))


def is_object_id(value: str) -> bool:
    """Whether this can be Meta's id of a number, a page or an account: digits."""
    return bool(_ID.fullmatch(value))


def access_token(value: SecretStr) -> SecretStr:
    """The token itself. Raises ValueError with a sentence for what can't be one."""
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("An access token has no spaces. Copy it again from Meta.")
    return value
