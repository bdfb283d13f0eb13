"""Files of projects: what a project shows and shares, and releases of it, which never change."""
