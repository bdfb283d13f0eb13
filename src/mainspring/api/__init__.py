"""Foreign dialects, thin: parse, call a service, answer in that dialect."""
