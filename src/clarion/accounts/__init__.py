"""Agents, roles and the audit log."""
