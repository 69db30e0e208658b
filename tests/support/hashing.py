"""Passwords of tests: hashed as the product does, with less memory."""

from clarion.accounts.hashers import BoundedArgon2


class QuickArgon2(BoundedArgon2):
    """A hash takes 0.1 ms of processor time in the place of 50.

    Its cost stands in each hash, so that programs started by tests can read it.
    """

    memory_cost = 64  # KiB
