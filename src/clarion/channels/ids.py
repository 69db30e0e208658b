"""Providers' user ids as people write them: what most kinds have in common."""

from clarion.channels.contract import BadIdError

LONGEST = 320  # characters; the longest e-mail address
TITLES = ("id", "user_id", "userid", "chat_id", "chatid", "phone", "phone_number", "msisdn")
EMAIL_TITLES = ("email", "e_mail", "email_address", "mail")


def plain_id(text: str) -> str:
    """The id without the spaces around it. Raises BadIdError for what can't be one anywhere."""
    value = text.strip()
    if not value:
        raise BadIdError("the id is empty")
    if len(value) > LONGEST:
        raise BadIdError(f"the id is longer than {LONGEST} characters")
    if not value.isprintable():
        raise BadIdError("the id has an invisible character")
    return value
