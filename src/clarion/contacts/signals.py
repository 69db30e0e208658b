"""What this package signals to the layers above it."""

from typing import NamedTuple

from django.dispatch import Signal


class TagUse(NamedTuple):
    """Something that uses a tag: in words such as “broadcast 12”, and where to find it."""

    words: str
    kind: str  # "broadcast" or "segment"
    id: int


# An address is not to be sent to any more. Sent with address_id, state (why) and at (datetime), in
# the transaction that marks it.
address_stopped = Signal()

# Addresses are on the suppression list that were not. Sent with address_ids (a list, at most some
# ten thousand), in the transaction that notes it.
addresses_suppressed = Signal()

# Contacts have got a tag that they had not. Sent with tag_id and contact_ids (a list, at most some
# thousands), in the transaction that gives it; an import sends it for each of its chunks.
tagged = Signal()

# A tag has a new name, or another tag is used in its place (is_merge). Sent with before and after
# (names) and is_merge, in the transaction that does it.
tag_replaced = Signal()

# What uses tags and is not over? Each answer is a dict of lists of TagUse by the name of the tag.
tags_in_use = Signal()

# Two addresses turned out to be one. Sent with kept_id and gone_id, in the transaction that joins
# them: what is still to happen to the second one happens to the first. The second one stays as an
# alias, so that what has happened to it can still be looked up.
addresses_merged = Signal()

# Two contacts turned out to be one. Sent with kept_id and gone_id, in the transaction that deletes
# the second one after it.
contacts_merged = Signal()

# Two contacts are about to be merged by hand. Sent with gone_id and parts (a dict), before
# ``contacts_merged``: whoever moves or deletes something of the second one then adds to ``parts``,
# by a name of its own, what it takes to undo that, as JSON.
contacts_merging = Signal()

# A merge is undone. Sent with kept_id, back_id (the contact that exists again) and those parts, in
# the transaction that does it.
contacts_parted = Signal()

# Contacts are deleted for good. Sent with contact_ids (at most some hundred) and address_ids, in
# the transaction that deletes them and before that: whoever keeps something about them makes it
# anonymous.
contact_deleted = Signal()

# Which texts that are not over show attributes, and which conditions are about them? Each answer is
# a dict of lists by the name of the attribute, in words such as “broadcast 12”.
attributes_in_texts = Signal()
attributes_in_conditions = Signal()

# Which work is going on for contacts that conditions on attributes choose? Each answer is a dict of
# lists by the name of the attribute, in words such as “bulk action 12”. The values of such an
# attribute are not rewritten meanwhile: contacts would match that should not.
attributes_at_work = Signal()

# An attribute has a new name. Sent with before and after, in the transaction that does it: whatever
# has a condition on it names the new one.
attribute_renamed = Signal()

# Which uploads are still to be read, though they are old? Each answer is a list of their tokens.
uploads_needed = Signal()

# Which consents can a column of an import be about? Each answer is a dict of names by id.
consents_to_import = Signal()

# An import says who has given and withdrawn consents. Sent with given and withdrawn (lists of
# contact ids by the id of the consent), at (datetime), detail (which import of which file) and by,
# in the transaction that stores these contacts. Each answer is the set of contacts that changed.
consents_imported = Signal()

# An import is undone: which of the contacts that it created have had something since? Sent with
# contact_ids and since (datetime); each answer is a dict of sets of contact ids by why they stay.
contacts_used = Signal()

# Contacts of an import that is undone are about to be deleted; nothing of contacts_used is about
# them. Sent with contact_ids, in the transaction that deletes them.
contacts_removed = Signal()
