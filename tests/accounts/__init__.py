"""Tests of agents, roles and the audit log."""
