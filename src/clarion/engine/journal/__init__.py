"""The flight journal: a worker's own notes, on its machine, of what it sends at this moment.

They survive the death of the process, so that whoever starts next knows what was on the wire.
``file`` writes them, ``format`` says what they look like, ``gone`` reads those of workers that have
ended. Why, and what it costs: docs/decisions/0029-flight-journal.md.
"""
