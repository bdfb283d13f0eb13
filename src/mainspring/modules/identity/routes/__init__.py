"""``/api/v1`` of identity: accounts, groups, and what vouches for who asks."""

from mainspring.modules.identity.routes import auth, devices, groups, tokens, users

HANDLERS = [*users.HANDLERS, *groups.HANDLERS, *auth.HANDLERS, *tokens.HANDLERS, *devices.HANDLERS]
