"""A newer trusted root, through The Update Framework, only when the user asks for it.

The chain of trust starts at the ``root.json`` inside the sigstore package; metadata goes to a
temporary folder that is removed again.

Source: sigstore-python 4.5.1, the folder ``_store``; python-tuf, ``ngclient.Updater``.
"""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path

from owaudit.errors import NetworkError, VerificationError
from owaudit.provenance.trust import PRODUCTION, TrustedRootFile

_URL = "https://tuf-repo-cdn.sigstore.dev"
_TARGET = "trusted_root.json"


def fetch_root() -> TrustedRootFile:
    """Fetch the production trusted root.

    Raises:
        NetworkError: the repository did not answer.
        VerificationError: its metadata does not hold, or this installation has nothing to start from.
    """
    from tuf.api.exceptions import DownloadError, RepositoryError
    from tuf.ngclient.updater import Updater

    try:
        first = (resources.files("sigstore") / "_store" / PRODUCTION / "root.json").read_bytes()
    except (ModuleNotFoundError, OSError) as error:
        raise VerificationError(f"the installed sigstore carries no first root: {error}") from error
    with tempfile.TemporaryDirectory(prefix="owaudit-trust-") as folder:
        try:
            updater = Updater(
                metadata_dir=folder,
                metadata_base_url=_URL,
                target_base_url=f"{_URL}/targets/",
                target_dir=folder,
                bootstrap=first,
            )
            updater.refresh()
            found = updater.get_targetinfo(_TARGET)
            if found is None:
                raise VerificationError("the repository names no trusted root")
            return TrustedRootFile(Path(updater.download_target(found)).read_bytes(), "update")
        except DownloadError as error:
            raise NetworkError(f"the trusted root could not be fetched: {error}") from error
        except RepositoryError as error:
            raise VerificationError(f"the metadata of the repository does not hold: {error}") from error
        except OSError as error:
            raise NetworkError(f"the trusted root could not be fetched: {error}") from error
