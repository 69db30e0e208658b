"""Identifiers that must not be guessed or repeated."""

import secrets

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0/o, 1/l/i: read out on the phone


def token(length: int = 12) -> str:
    """A random identifier of ``length`` characters (about 4.95 bits each)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
