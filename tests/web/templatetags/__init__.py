"""Tests of the template tags."""
