"""What a URL says about where a request goes."""

from urllib.parse import urlsplit


def server_of(value: object) -> object:
    """Where something is sent: the scheme and server of a URL, any other value as it is."""
    try:
        parts = urlsplit(str(value).strip())
    except ValueError:
        return str(value)
    return (parts.scheme, parts.netloc.lower()) if parts.netloc else str(value)
