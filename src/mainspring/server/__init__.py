"""The server: app factory, middleware, health, OpenAPI."""
