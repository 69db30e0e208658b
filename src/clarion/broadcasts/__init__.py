"""Broadcasts: audience, launch, control and history."""
