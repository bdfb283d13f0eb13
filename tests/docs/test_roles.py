"""The table of roles in the documentation is the one that the server goes by."""

import re

from mainspring.kit.actors import OUTSIDE_PROJECTS
from mainspring.kit.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "projects.md"
ROW = re.compile(r"^\| `(?P<permission>\w+:\w+)` \|(?P<marks>(?:[ ✓]*\|){5}) \S.* \|$", re.MULTILINE)


def test_the_table_of_roles_is_true() -> None:
    page = PAGE.read_text()
    names = " | ".join(role.name.lower() for role in sorted(Role))
    assert f"| permission | {names} | what for |" in page
    told = {row["permission"]: ["✓" in mark for mark in row["marks"].split("|")[:-1]] for row in ROW.finditer(page)}
    of_projects = set(Permission) - OUTSIDE_PROJECTS - {Permission.PUBLIC}
    assert told == {
        str(permission): [permission in ROLE_PERMISSIONS[role] for role in sorted(Role)] for permission in of_projects
    }
