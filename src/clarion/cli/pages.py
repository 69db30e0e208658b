"""The web server, on its port."""

import errno
import random
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clarion.cli.django_setup import uncollected
from clarion.cli.failures import Failed

if TYPE_CHECKING:
    from clarion.config import Settings

# Where a free port is looked for: below those that systems give to outgoing connections, else it
# may be given away between now and the moment that the server listens on it.
UNUSED = range(20_000, 32_000)
TRIES = 100
LOAD_API_AFTER = 2.0  # seconds


def serve_pages(host: str, port: int, *, settings: "Settings") -> None:
    """Serve until SIGINT or SIGTERM. Raises Failed when the server can't listen there."""
    from clarion.server.connections import Limits
    from clarion.server.run import PageServer, listen, raise_file_limit

    application = load_application()
    limits = Limits(
        in_all=raise_file_limit(settings.connections), per_client=settings.connections_per_client
    )
    server = PageServer(application, limits=limits, trusted_proxies=settings.trusted_proxies)
    try:
        sock = listen(host, port)
    except OSError as problem:
        raise Failed(_refusal(host, port, problem)) from problem
    loading = threading.Timer(LOAD_API_AFTER, load_api)
    loading.daemon = True
    loading.start()
    server.run(sockets=[sock])


def load_application() -> Callable[..., Any]:
    """The ASGI application, with all pages loaded, so that the first visitor does not wait."""
    from django.urls import get_resolver

    with uncollected():
        from clarion.asgi import application

        get_resolver().url_patterns  # noqa: B018 - reading it imports the views
    return application


def load_api() -> None:
    """Load the API, which takes a second, so that its first caller does not wait for it either.

    Later than the pages, because a server that is started is looked at first.
    """
    from django.urls import get_resolver

    from clarion.api.entry import URLCONF

    get_resolver(URLCONF).url_patterns  # noqa: B018 - reading it imports the operations


def usable_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises Failed with a sentence when it can't be had."""
    for candidate in (port,) if port else random.sample(UNUSED, TRIES):
        problem = _problem_with(host, candidate)
        if problem is None:
            return candidate
        if port or problem.errno != errno.EADDRINUSE:
            raise Failed(_refusal(host, candidate, problem)) from problem
    raise Failed("No free port was found. Choose one with --port.")


def _problem_with(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is used by another program. Choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs special permissions. Choose a port above 1023 with --port."
    # A host name that can't be resolved has a number of its own, which strerror does not know.
    reason = error.strerror or error
    return f"The server can't listen on {host}: {reason}. Choose another address with --host."


def answers(host: str, port: int) -> bool:
    """Whether the server answers a request."""
    import http.client

    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    connection = http.client.HTTPConnection(near, port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        connection.getresponse()
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
    return True


def address(host: str, port: int) -> str:
    """The URL that a person on this machine opens."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    return f"http://{f'[{near}]' if ':' in near else near}:{port}"
