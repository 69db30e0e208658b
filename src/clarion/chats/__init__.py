"""Conversations with contacts, and what they write to us."""
