"""The views, split by noun. They parse, call one function of a room, and show the result."""
