"""The link with which a person leaves: signed, so that nobody can be made to leave by guessing."""

from typing import Final

from clarion.contacts.signed_links import SignedLink

UNSUBSCRIBE: Final = SignedLink("unsubscribe", "This unsubscribe link is not complete or not ours.")
unsubscribe_url = UNSUBSCRIBE.url
make_token = UNSUBSCRIBE.token
read_token = UNSUBSCRIBE.read
