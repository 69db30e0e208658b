"""Deliveries, records, receipts and tallies: what happened to every person."""
