"""Users, groups, how they sign in, and the credentials that vouch for them."""
