"""The addresses of assets, in place of Django's library of the name ``static``."""

from django import template

from clarion.web import assets

register = template.Library()


@register.simple_tag
def static(name: str) -> str:
    """The address of an asset by its path below ``web/static``."""
    return assets.url(name)


@register.simple_tag
def stylesheet() -> str:
    """The address of all styles together."""
    return assets.url(assets.STYLES)


@register.simple_tag
def script() -> str:
    """The address of the scripts that every page runs."""
    return assets.url(assets.SCRIPTS)
