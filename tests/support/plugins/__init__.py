"""Pytest plugins of the test suite, loaded by tests/conftest.py."""
