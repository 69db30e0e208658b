"""An import that stops between a chunk and its commit."""

_CODE = """
import time
import django
django.setup()
from clarion.cli.main import run
from clarion.contacts import import_run

import_run.CHUNK = {chunk}
store, chunks = import_run.store, []

def stored(*args):
    written = store(*args)
    chunks.append(written)
    if len(chunks) == 3:
        print("the third chunk is written", flush=True)
        time.sleep({seconds})
    return written

import_run.store = stored
run()
"""


CHUNK = 500  # lines, instead of thousands


def hanging_import(seconds: float = 600) -> str:
    """The clarion command with small chunks, which stays that long before it commits the third."""
    return _CODE.replace("{chunk}", str(CHUNK)).replace("{seconds}", str(seconds))
