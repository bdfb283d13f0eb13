"""The door to artifacts of runs, logged models and traces: where they lie, and how they come and go.

What reads or writes bytes is asynchronous and works on the open database and store; it keeps no transaction
open while bytes are on their way.
"""

from mainspring.modules.artifacts.service.abandoned import drop_abandoned
from mainspring.modules.artifacts.service.digests import Sha256, announced_sha256, digest_field
from mainspring.modules.artifacts.service.downloads import (
    Download,
    add_digest,
    content_type,
    download_artifact,
    download_headers,
    framed_headers,
)
from mainspring.modules.artifacts.service.erasure import Erased, count_artifacts, erase_artifacts
from mainspring.modules.artifacts.service.files import (
    MAX_PAGE,
    delete_artifact,
    find_record,
    find_recorded,
    head_artifact,
    list_artifacts,
    open_artifact,
    put_artifact,
    record_file,
)
from mainspring.modules.artifacts.service.locations import (
    DVC,
    FILES,
    ROOT,
    SCHEME,
    check_owner,
    file_key,
    own_location,
    owner_of,
    relative_path,
    resolve,
    written_key,
)
from mainspring.modules.artifacts.service.previews import MAX_ROWS, preview_artifact
from mainspring.modules.artifacts.service.room import note_stored, within_room
from mainspring.modules.artifacts.service.signing import (
    TRANSFERS,
    check_capability,
    download_signer,
    goes_direct,
    sign_download,
    sign_parts,
    sign_upload,
    signing_key,
)
from mainspring.modules.artifacts.service.uploads import (
    MAX_PARTS,
    abort_upload,
    begin_multipart,
    begin_upload,
    check_numbers,
    check_open,
    complete_upload,
    find_upload,
    part_count,
    receive,
    uploaded_parts,
)
from mainspring.modules.artifacts.store import FileRecord, UploadRecord

__all__ = [
    "DVC",
    "FILES",
    "MAX_PAGE",
    "MAX_PARTS",
    "MAX_ROWS",
    "ROOT",
    "SCHEME",
    "TRANSFERS",
    "Download",
    "Erased",
    "FileRecord",
    "Sha256",
    "UploadRecord",
    "abort_upload",
    "add_digest",
    "announced_sha256",
    "begin_multipart",
    "begin_upload",
    "check_capability",
    "check_numbers",
    "check_open",
    "check_owner",
    "complete_upload",
    "content_type",
    "count_artifacts",
    "delete_artifact",
    "digest_field",
    "download_artifact",
    "download_headers",
    "download_signer",
    "drop_abandoned",
    "erase_artifacts",
    "file_key",
    "find_record",
    "find_recorded",
    "find_upload",
    "framed_headers",
    "goes_direct",
    "head_artifact",
    "list_artifacts",
    "note_stored",
    "open_artifact",
    "own_location",
    "owner_of",
    "part_count",
    "preview_artifact",
    "put_artifact",
    "receive",
    "record_file",
    "relative_path",
    "resolve",
    "sign_download",
    "sign_parts",
    "sign_upload",
    "signing_key",
    "uploaded_parts",
    "within_room",
    "written_key",
]
