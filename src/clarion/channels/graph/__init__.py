"""What the platforms of Meta share: the Graph API's settings, signatures, errors, and messages."""
