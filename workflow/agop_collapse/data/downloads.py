"""Downloads of public archives: tried in turn, checked, and put in place whole."""

import gzip
import hashlib
import http.client
import logging
import shutil
import tarfile
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from ..common.errors import UserError
from ..files.atomic import atomic
from .addresses import ARCHIVES, Archive, files_of, missing_files

log = logging.getLogger(__name__)

TIMEOUT = 60  # seconds without a byte


class DownloadError(UserError):
    """A file that no address gave as it should be; the message says what to do without it."""


def how_to_get(kind: str, folder: Path) -> str:
    """What to do where files of a data set are missing and cannot be downloaded."""
    missing = [str(path) for path in files_of(kind, folder) if not path.exists()]
    return (
        f"Files that are missing of {kind}: {', '.join(missing)}. Where there is internet, "
        "`snakemake download --config study=NAME` gets all that a study needs; where there is none "
        "put them in place, from a machine where that, or torchvision, has downloaded them. Files "
        "that are there are used as they are"
    )


def fetch(kind: str, name: str, folder: Path, attempts: int = 3, pause: float = 3) -> None:
    """Download one archive of a data set, and put those of its files in place that are missing.

    Every address is tried in turn, `attempts` times, with `pause` seconds between the rounds. What
    is downloaded has no name on the disk until its checksum is found right.

    Parameters
    ----------
    kind, name : the archive of this name in ARCHIVES[kind]
    folder : the data set's folder

    Raises
    ------
    DownloadError : when no address gave the right file; nothing is left of the wrong ones.
    """
    (archive,) = (archive for archive in ARCHIVES[kind] if archive.name == name)
    Path(folder).mkdir(parents=True, exist_ok=True)
    reasons: dict[str, str] = {}
    for attempt in range(attempts):
        time.sleep(pause if attempt else 0)
        for url in archive.urls:
            with TemporaryFile(dir=folder) as packed:
                try:
                    _download(url, packed, archive.sha256)
                except (OSError, http.client.HTTPException, DownloadError) as error:
                    reasons[url] = str(error) or type(error).__name__
                    log.info("%s: %s", url, reasons[url])
                    continue
                log.info("%s: sha256 is right", url)
                packed.seek(0)
                _unpack(archive, packed, folder)
                return
    tried = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise DownloadError(
        f"{name} could not be had in {attempts} attempts ({tried}). {how_to_get(kind, folder)}"
    )


def _download(url: str, packed: BinaryIO, sha256: str) -> None:
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "agop-collapse"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        while block := response.read(1 << 20):
            packed.write(block)
            digest.update(block)
        size = f"{packed.tell():,}"
        if response.length:  # still to come when the connection closed
            size += f" of {packed.tell() + response.length:,}"
    if digest.hexdigest() != sha256:
        raise DownloadError(
            f"its sha256 is {digest.hexdigest()} ({size} bytes) and should be {sha256}"
        )


def _unpack(archive: Archive, packed: BinaryIO, folder: Path) -> None:
    """Put the missing files in place, each when it is whole.

    No path that an archive names is written to: of a tar only regular files are read, and only
    those of the expected names.
    """
    missing = missing_files(archive, folder)
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(fileobj=packed, mode="r:gz") as tar:
            for member in tar:
                path = Path(folder, member.name)
                if path in missing and member.isfile():
                    _write(tar.extractfile(member), path)
                    missing.remove(path)
    elif missing and archive.name.endswith(".gz"):
        with gzip.open(packed) as content:
            _write(content, missing.pop())
    elif missing:
        _write(packed, missing.pop())
    if missing:
        raise DownloadError(f"{archive.name} does not hold {', '.join(map(str, missing))}")


def _write(content: BinaryIO, path: Path) -> None:
    with atomic(path) as partial, open(partial, "wb") as file:
        shutil.copyfileobj(content, file)
