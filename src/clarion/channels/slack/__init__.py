"""Slack: a bot of a workspace, over the Web API and the Events API."""
