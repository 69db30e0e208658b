"""What every package may use and that knows nothing about broadcasts."""
