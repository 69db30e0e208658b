"""Segments: contacts found by saved conditions on what is known of them and what happened."""
