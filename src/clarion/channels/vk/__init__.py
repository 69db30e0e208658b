"""VK: messages of a community, over its API and the Callback API."""
