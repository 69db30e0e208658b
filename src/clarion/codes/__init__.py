"""Pools of unique codes: which contact got which, and what was redeemed."""
