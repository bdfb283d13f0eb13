"""The door to projects: its service functions, each ``f(tx, actor, …)`` and without a commit."""

from mainspring.modules.projects.service import for_identity as for_identity
from mainspring.modules.projects.service.access import (
    Place,
    acting_in,
    enter,
    enter_open,
    explain,
    find_place,
    own_project,
    permissions_of,
)
from mainspring.modules.projects.service.members import list_members, remove_member, set_member
from mainspring.modules.projects.service.namespaces import create_namespace, delete_namespace, search_namespaces
from mainspring.modules.projects.service.projects import (
    create_project,
    delete_project,
    find_workspace,
    get_permissions,
    get_project,
    keys_of,
    paths_of,
    restore_project,
    search_projects,
    update_project,
)
from mainspring.modules.projects.service.purge import RESTORE_DAYS, find_expired, forget_project
from mainspring.modules.projects.service.source_access import (
    SourceAccess,
    Vouched,
    has_token,
    last_inside,
    on_seen,
    source_of_sign_ins,
    token_of,
    token_of_inside,
    token_of_member,
)
from mainspring.modules.projects.service.stars import check_may_star, count_stars, set_star
from mainspring.modules.projects.store import (
    PlacedProject,
    list_placed,
    readable_among,
    visible_keys,
    visible_projects,
)

__all__ = [
    "RESTORE_DAYS",
    "Place",
    "PlacedProject",
    "SourceAccess",
    "Vouched",
    "acting_in",
    "check_may_star",
    "count_stars",
    "create_namespace",
    "create_project",
    "delete_namespace",
    "delete_project",
    "enter",
    "enter_open",
    "explain",
    "find_expired",
    "find_place",
    "find_workspace",
    "forget_project",
    "get_permissions",
    "get_project",
    "has_token",
    "keys_of",
    "last_inside",
    "list_members",
    "list_placed",
    "on_seen",
    "own_project",
    "paths_of",
    "permissions_of",
    "readable_among",
    "remove_member",
    "restore_project",
    "search_namespaces",
    "search_projects",
    "set_member",
    "set_star",
    "source_of_sign_ins",
    "token_of",
    "token_of_inside",
    "token_of_member",
    "update_project",
    "visible_keys",
    "visible_projects",
]
