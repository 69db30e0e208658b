"""Channels: configured sending accounts, and the kinds they are of, a package for each."""

from pkgutil import iter_modules

_NO_KINDS = frozenset({"graph", "mailing", "migrations", "templates"})


def kind_names() -> list[str]:
    """The kinds of channels by their packages, none of which is loaded. In alphabetical order."""
    packages = (module.name for module in iter_modules(__path__) if module.ispkg)
    return [name for name in packages if name not in _NO_KINDS]
