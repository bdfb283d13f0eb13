"""The door to the files of projects and to their releases.

What reads or writes bytes is asynchronous and works on the open database and store; it keeps no transaction open
while bytes are on their way.
"""

from mainspring.modules.files.service.answers import Answer, Asked, answer_file, nothing, send_answer
from mainspring.modules.files.service.dvc import DVC_PATH, head_dvc_object, open_dvc_object, put_dvc_object
from mainspring.modules.files.service.files import MAX_PAGE, delete_file, get_file, list_files, open_file, put_file
from mainspring.modules.files.service.releases import (
    create_release,
    delete_release,
    get_release,
    list_releases,
)
from mainspring.modules.files.service.states import MAIN, release_of, state_id
from mainspring.modules.files.service.unused import (
    drop_project,
    drop_unused,
    erase_project,
    note_unnamed,
    step_unused,
)

__all__ = [
    "DVC_PATH",
    "MAIN",
    "MAX_PAGE",
    "Answer",
    "Asked",
    "answer_file",
    "create_release",
    "delete_file",
    "delete_release",
    "drop_project",
    "drop_unused",
    "erase_project",
    "get_file",
    "get_release",
    "head_dvc_object",
    "list_files",
    "list_releases",
    "note_unnamed",
    "nothing",
    "open_dvc_object",
    "open_file",
    "put_dvc_object",
    "put_file",
    "release_of",
    "send_answer",
    "state_id",
    "step_unused",
]
