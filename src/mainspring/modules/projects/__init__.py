"""Projects, their namespaces, and who may do what in them."""
