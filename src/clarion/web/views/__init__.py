"""The views, split by noun. They parse, call one function of a package, and show the result."""
