"""Hashing passwords, with bounded memory."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
_turns = threading.BoundedSemaphore(AT_ONCE)


class BoundedArgon2(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters, two at a time: 46 MiB each, however many log in at once."""

    time_cost = 1
    memory_cost = 47_104  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Hash a password."""
        with _turns:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password is the one that was hashed."""
        with _turns:
            return super().verify(password, encoded)
