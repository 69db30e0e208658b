"""Many log-ins at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2.low_level import hash_secret

from clarion.accounts.hashers import AT_ONCE, BoundedArgon2


def test_only_so_many_passwords_are_hashed_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            return hash_secret(*args, **kwargs)  # type: ignore[arg-type]
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr("argon2.low_level.hash_secret", counted)
    hasher = BoundedArgon2()
    with ThreadPoolExecutor(12) as pool:
        hashes = list(pool.map(lambda n: hasher.encode(f"password {n}", "saltsalt"), range(12)))
    assert len(set(hashes)) == 12
    assert 1 <= most <= AT_ONCE
    assert hasher.verify("password 3", hashes[3])
    assert not hasher.verify("password 4", hashes[3])


def test_the_memory_of_one_hash_is_bounded() -> None:
    encoded = BoundedArgon2().encode("password", "saltsalt")
    assert "$argon2id$v=19$m=47104,t=1,p=1$" in encoded
