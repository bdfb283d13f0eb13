"""SharingHub's own endpoints, so that its clients, and DVC, keep working."""
