"""A provider to rehearse with: webhook kind, Telegram, WhatsApp and SMTP, on loopback.

It stands alone: it imports nothing of Clarion, because Clarion's crash tests use it as the judge
of what was received. Start it with `clarion simulator` or `python -m clarion.simulator`, or inside
a test with `async with clarion.simulator.server.Simulator() as simulator`.
"""
