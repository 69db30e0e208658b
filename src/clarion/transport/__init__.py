"""All outgoing I/O: HTTP/1.1 and SMTP, with the two errors the engine can act on.

A request certainly never left (`NotSent`), or it may have (`MaybeSent`). Nothing else is raised.
"""
