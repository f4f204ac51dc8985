"""Files that systems and editors leave among a user's own, which are none of the data."""

# Names of Windows, macOS and NAS boxes; those that begin with a point are hidden anyway.
SYSTEM_NAMES = {
    "__MACOSX",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "Thumbs.db",
    "desktop.ini",
}


def is_system_name(name: str) -> bool:
    """Whether a file or folder of this name is hidden or a system's own: .DS_Store, ._x.png, ..."""
    return name.startswith(".") or name in SYSTEM_NAMES
