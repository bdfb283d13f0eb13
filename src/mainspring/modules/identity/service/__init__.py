"""The door to identity: its service functions, each ``f(tx, actor, …)`` and without a commit.

Those that hash a password (``create_user``, ``verify_password``, ``sign_in_with_password``, ``change_password``,
``set_password``, ``set_up``, ``reset_password``) are asynchronous: they do it in a thread, between two transactions.
"""

from mainspring.modules.identity.service.accounts import (
    create_user,
    delete_user,
    find_user,
    get_me,
    get_user,
    search_users,
    set_admin,
    set_blocked,
    update_me,
    update_user,
)
from mainspring.modules.identity.service.credentials import change_access, current_epoch, find_credential, is_good
from mainspring.modules.identity.service.devices import answer_device, get_device, poll_device, start_device
from mainspring.modules.identity.service.external import Claims, find_external, sign_in_external
from mainspring.modules.identity.service.groups import (
    add_member,
    create_group,
    delete_group,
    find_group,
    get_group,
    list_members,
    remove_member,
    search_groups,
    update_group,
)
from mainspring.modules.identity.service.holders import find_holder, get_account, holder_names, owner_of_name
from mainspring.modules.identity.service.keys import create_key, list_keys, revoke_key
from mainspring.modules.identity.service.links import (
    create_password_link,
    create_setup_link,
    reset_password,
    set_up,
)
from mainspring.modules.identity.service.projects import Projects, register_projects
from mainspring.modules.identity.service.provider_sessions import renew_provider_token
from mainspring.modules.identity.service.provider_tokens import register_tokens
from mainspring.modules.identity.service.refused_tokens import RefusedTokens
from mainspring.modules.identity.service.run_tokens import create_run_token, refresh_run_token
from mainspring.modules.identity.service.sealing import seal, unseal
from mainspring.modules.identity.service.sessions import (
    COOKIE,
    SECURE_COOKIE,
    begin_session,
    list_sessions,
    revoke_session,
    sign_in_with_password,
    sign_out,
    sign_out_everywhere,
    who_am_i,
)
from mainspring.modules.identity.service.sign_in import change_password, set_password, verify_password
from mainspring.modules.identity.service.tokens import SESSION as SESSION_PREFIX
from mainspring.modules.identity.service.tokens import digest_of, is_token
from mainspring.modules.identity.service.upkeep import drop_ended
from mainspring.modules.identity.service.usage import Usage
from mainspring.modules.identity.store.credentials import Account, Credential

__all__ = [
    "COOKIE",
    "SECURE_COOKIE",
    "SESSION_PREFIX",
    "Account",
    "Claims",
    "Credential",
    "Projects",
    "RefusedTokens",
    "Usage",
    "add_member",
    "answer_device",
    "begin_session",
    "change_access",
    "change_password",
    "create_group",
    "create_key",
    "create_password_link",
    "create_run_token",
    "create_setup_link",
    "create_user",
    "current_epoch",
    "delete_group",
    "delete_user",
    "digest_of",
    "drop_ended",
    "find_credential",
    "find_external",
    "find_group",
    "find_holder",
    "find_user",
    "get_account",
    "get_device",
    "get_group",
    "get_me",
    "get_user",
    "holder_names",
    "is_good",
    "is_token",
    "list_keys",
    "list_members",
    "list_sessions",
    "owner_of_name",
    "poll_device",
    "refresh_run_token",
    "register_projects",
    "register_tokens",
    "remove_member",
    "renew_provider_token",
    "reset_password",
    "revoke_key",
    "revoke_session",
    "seal",
    "search_groups",
    "search_users",
    "set_admin",
    "set_blocked",
    "set_password",
    "set_up",
    "sign_in_external",
    "sign_in_with_password",
    "sign_out",
    "sign_out_everywhere",
    "start_device",
    "unseal",
    "update_group",
    "update_me",
    "update_user",
    "verify_password",
    "who_am_i",
]
