"""A provider to rehearse with: webhook kind, Telegram, WhatsApp and SMTP, on loopback.

It imports nothing of Clarion, because Clarion's crash tests use it as the judge
of what was received. Start it with `clarion simulator` or `python -m clarion_simulator`, or inside
a test with `async with clarion_simulator.server.Simulator() as simulator`.
"""
