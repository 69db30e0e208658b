"""Whom a bulk action is about: some contacts by their ids, or all that filters of the list find."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from django.utils.translation import gettext as _

from clarion.bulk.errors import BulkError
from clarion.channels.models import Channel
from clarion.contacts.attribute_filters import AttributeFilter
from clarion.contacts.models import Tag
from clarion.contacts.search import everyone_found
from clarion.kit import db
from clarion.kit.numbers import is_id

MOST_IDS: Final = 10_000  # contacts that are named one by one


@dataclass(frozen=True, slots=True)
class Selection:
    """Contacts; all filters must match. With ``ids``, these contacts, and no filter counts."""

    ids: tuple[int, ...] | None = None
    q: str = ""
    channel_id: int | None = None
    tag_id: int | None = None
    attributes: tuple[AttributeFilter, ...] = ()

    @classmethod
    def of_ids(cls, ids: Iterable[int]) -> Self:
        """These contacts. Raises BulkError where there are none or too many."""
        chosen = tuple(sorted({key for key in ids if is_id(key)}))
        if not chosen:
            raise BulkError(_("Select at least one contact first."))
        if len(chosen) > MOST_IDS:
            raise BulkError(_("Select at most %s contacts, or use filters.") % f"{MOST_IDS:,}")
        return cls(ids=chosen)

    @classmethod
    def stored(cls, raw: dict[str, Any]) -> Self:
        """As ``dump`` made it."""
        if raw["ids"] is not None:
            return cls(ids=tuple(raw["ids"]))
        attributes = tuple(AttributeFilter(*each) for each in raw["attributes"])
        return cls(None, raw["q"], raw["channel"], raw["tag"], attributes)

    def dump(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "ids": None if self.ids is None else list(self.ids),
            "q": self.q,
            "channel": self.channel_id,
            "tag": self.tag_id,
            "attributes": [[each.name, each.what, each.value] for each in self.attributes],
        }

    def words(self) -> list[str]:
        """The filters for people, each a few words; no filter is all contacts."""
        if self.ids is not None:
            return []
        words = [_("“%s” in the name or user id") % self.q] if self.q else []
        if self.channel_id:
            channel = Channel.objects.filter(pk=self.channel_id).first()
            words.append(_("Channel: %s") % (channel.name if channel else self.channel_id))
        if self.tag_id:
            tag = Tag.objects.filter(pk=self.tag_id).first()
            words.append(_("Tag: %s") % (tag.name if tag else self.tag_id))
        return words + [each.words() for each in self.attributes]

    def count(self, last_id: int) -> int:
        """How many contacts these are at this moment, up to that id."""
        if self.ids is not None:
            return len(self._existing(0, len(self.ids)))
        _key, source, params = self._sql(0, last_id)
        return int(db.fetch(f"SELECT count(*) FROM {source}", params)[0][0])

    def after(self, cursor: int, last_id: int, limit: int) -> list[int]:
        """The next contacts by id, as they are at this moment."""
        if self.ids is not None:
            return self._existing(cursor, limit)
        key, source, params = self._sql(cursor, last_id)
        rows = db.fetch(f"SELECT {key} FROM {source} ORDER BY {key} LIMIT %s", [*params, limit])
        return [row[0] for row in rows]

    def _existing(self, cursor: int, limit: int) -> list[int]:
        rows = db.fetch(
            f"SELECT c.id FROM contacts_contact c WHERE c.id {db.in_list()} ORDER BY c.id LIMIT %s",
            [db.json_param([key] for key in self.ids or () if key > cursor), limit],
        )
        return [row[0] for row in rows]

    def _sql(self, after: int, last_id: int) -> tuple[str, str, Sequence[Any]]:
        return everyone_found(
            self.q,
            Channel(pk=self.channel_id) if self.channel_id else None,
            Tag(pk=self.tag_id) if self.tag_id else None,
            self.attributes,
            after=after,
            last=last_id,
        )
