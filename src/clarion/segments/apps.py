"""Django's entry for this package."""

from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    """Saved conditions on contacts."""

    name = "clarion.segments"
    label = "segments"

    def ready(self) -> None:
        """Listen to what happens to contacts."""
        from clarion.segments import attribute_uses, merging, tag_uses  # noqa: F401
