"""The receiver's user ids: any text that it knows its people by."""

from clarion.channels import ids

TITLES = (*ids.TITLES, *ids.EMAIL_TITLES)
user_id = ids.plain_id
