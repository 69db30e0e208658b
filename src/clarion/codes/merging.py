"""Two contacts turn out to be one: codes and redemptions move to the contact that is kept."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.dispatch import receiver

from clarion.codes.models import Code, Redemption
from clarion.contacts.signals import contacts_merged


@receiver(contacts_merged)
def merge_codes(kept_id: int, gone_id: int, **_: Any) -> None:
    """Move what the second contact has. Where both got a code of one broadcast, the second one
    stays issued and redeemable, but is nobody's: a retry sends the first one again.
    """
    Redemption.objects.filter(contact=gone_id).update(contact=kept_id)
    kept_codes = Code.objects.filter(
        contact=kept_id, chain=OuterRef("chain"), occurrence=OuterRef("occurrence")
    )
    Code.objects.filter(contact=gone_id).exclude(Exists(kept_codes)).update(contact=kept_id)
    Code.objects.filter(contact=gone_id).update(contact=None)
