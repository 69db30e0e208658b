"""Marketing permissions that contacts have given or withdrawn."""
