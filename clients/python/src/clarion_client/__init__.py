"""A typed client of Clarion's API."""

from clarion_client.base import ApiError, etag_of
from clarion_client.operations import AsyncClient, Client

__all__ = ["ApiError", "AsyncClient", "Client", "etag_of"]
