"""Spare the garbage collector all that is loaded before the first test.

A test process has some two million objects when its tests begin: every module, and the tests
themselves. None of them ends before the run does, yet a full collection walks through all of them,
for 0.6 s of processor time, again and again while they are loaded and between the tests.
"""

import gc

# Until the tests are found: see `pytest_collection_finish`.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave out what is there by now, and collect as a worker does from here on."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
