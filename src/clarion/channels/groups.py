"""Titles above groups of settings, in the order of a form.

A setting without one is what an account needs, and comes first.
"""

from typing import Final

INCOMING: Final = "Incoming messages and receipts"
MESSAGES: Final = "Messages"
COSTS: Final = "Costs"
ADVANCED: Final = "Advanced"  # always the last one
# What most channels need is shown at once; other groups are folded until something of them is set.
SHOWN: Final = frozenset({INCOMING, MESSAGES})
