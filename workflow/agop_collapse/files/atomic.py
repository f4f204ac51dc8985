"""Files that are whole or not there."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from ..common.errors import UserError


class StorageError(UserError):
    """A file that is missing, damaged, or not what its reader expects; the message names it."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name, safe on disk, if the block ends well.

    Raises
    ------
    OSError : when it cannot be written; it names the file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        partial = Path(temporary.name)
    try:
        yield partial
        # NamedTemporaryFile is private to its owner; results are for everybody the umask lets in.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        sync(partial)
        os.replace(partial, path)
        sync(path.parent)
    except OSError as error:
        # Of writing the system names none.
        if error.filename is None:
            error.filename = os.fspath(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file or folder safe on disk before going on; as far as the file system can.

    Some (CIFS, a few of FUSE) do not know this for folders; they say so by EINVAL or ENOTSUP.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            error.filename = os.fspath(path)  # the system names none
            raise
    finally:
        os.close(descriptor)
