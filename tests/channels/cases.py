"""The fixtures of every registered kind: `channels/<kind>/fixtures.py` has its Case as CASE."""

from importlib import import_module

from channels.fixtures import Case
from clarion.channels.registry import KINDS

CASES: dict[str, Case] = {name: import_module(f"channels.{name}.fixtures").CASE for name in KINDS}
