"""Requests, repeats and errors: what all operations have in common."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any, Self

import httpx

_REPEAT = frozenset({429, 503})
_LONGEST_WAIT = 60.0  # seconds


class ApiError(Exception):
    """A request that the API has refused; `code` stays the same between versions."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.errors: list[dict[str, str]] = list(problem.get("errors", ()))
        super().__init__(f"{status} {self.code}: {self.detail}")


class Resource(dict[str, Any]):
    """What was read, with the ETag of its version."""

    etag: str | None = None


def etag_of(resource: object) -> str | None:
    """The ETag of what an operation has returned; None where it has none."""
    return getattr(resource, "etag", None)


class _Base:
    def __init__(self, token: str, retries: int) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self._retries = retries

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        file: tuple[str, bytes, str] | None = None,
        if_match: Any = None,
        key: str | None = None,
        repeatable: bool = False,
    ) -> tuple[dict[str, Any], bool]:
        """The arguments of httpx, and whether the request may be repeated."""
        headers = dict(self._headers)
        if repeatable:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        if if_match is not None:
            tag = if_match if isinstance(if_match, str) else etag_of(if_match)
            if tag is None:
                raise ValueError("if_match: pass what an operation has returned, or an ETag")
            headers["If-Match"] = tag
        request: dict[str, Any] = {"method": method, "url": path, "headers": headers}
        if query:
            values = {name: value for name, value in query.items() if value is not None}
            request["params"] = {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in values.items()
            }
        if body is not None:
            request["json"] = body
        if file is not None:
            request["files"] = {"file": file}
        return request, repeatable or method == "GET"


def _result(answer: httpx.Response) -> Any:
    """What an operation returns. Raises ApiError."""
    if answer.status_code >= 400:
        try:
            problem = answer.json()
        except ValueError:
            problem = {"detail": answer.text[:500]}
        raise ApiError(answer.status_code, problem if isinstance(problem, dict) else {})
    if not answer.content:
        return None
    resource = Resource(answer.json())
    resource.etag = answer.headers.get("ETag")
    return resource


def _wait(answer: httpx.Response | None, attempt: int) -> float:
    """Seconds before the next attempt."""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(asked) if asked.isdigit() else 0.5 * 2**attempt, _LONGEST_WAIT)


class SyncBase(_Base):
    """Sends requests and waits for the answers."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: int = 2,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(token, retries)
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Send any request; the operations call this. Raises ApiError and httpx.TransportError."""
        request, may_repeat = self._request(method, path, **options)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries or not may_repeat
            try:
                answer = self._http.request(**request)
            except httpx.TransportError:
                if last:
                    raise
                time.sleep(_wait(None, attempt))
                continue
            if last or answer.status_code not in _REPEAT:
                return _result(answer)
            time.sleep(_wait(answer, attempt))
        raise AssertionError("unreachable")


class AsyncBase(_Base):
    """Sends requests on an event loop."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: int = 2,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(token, retries)
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """As of SyncBase."""
        request, may_repeat = self._request(method, path, **options)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries or not may_repeat
            try:
                answer = await self._http.request(**request)
            except httpx.TransportError:
                if last:
                    raise
                await asyncio.sleep(_wait(None, attempt))
                continue
            if last or answer.status_code not in _REPEAT:
                return _result(answer)
            await asyncio.sleep(_wait(answer, attempt))
        raise AssertionError("unreachable")
