"""An Instagram account: what Meta answers, and its signed callbacks."""

from typing import Any

from channels import direct
from channels.direct import MID
from channels.fixtures import JUST_BEFORE
from clarion.channels.contract import Receipt
from clarion.channels.instagram.config import InstagramConfig
from clarion.channels.instagram.kind import InstagramKind

CASE = direct.case(
    "instagram",
    "instagram",
    {"read": {"mid": MID}},
    Receipt("read", JUST_BEFORE, MID),
    id_columns={"id,IGSID": "IGSID", "name,instagram_id": "instagram_id"},
)


def make(**changes: Any) -> InstagramKind:
    """The kind with the settings of its Case, or with these instead."""
    return InstagramKind(InstagramConfig.model_validate({**CASE.settings, **changes}))
