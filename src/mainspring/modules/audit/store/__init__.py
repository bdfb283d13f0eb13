"""SQL of the audit log and of webhooks."""
