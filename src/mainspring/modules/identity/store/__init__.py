"""SQL of identity: accounts, groups, credentials, and how they are signed in."""
