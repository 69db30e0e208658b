"""The one writer of deliveries, their records, progress, parts and receipts.

Every statement that writes one of these tables is here and nowhere else (``make check`` sees to
it), a function each. A function names the states that it moves deliveries from, taken out of the
table of legal moves (``records.states``), returns what it moved, and shifts the tallies in the same
transaction. What follows from an outcome, who may claim and when a worker is dead is decided by
those who call it.
"""
