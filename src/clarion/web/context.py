"""What every template sees."""

from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, object]:
    """Nothing yet."""
    return {}
