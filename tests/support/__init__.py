"""What tests share: databases, processes, a browser, ways to wait."""
