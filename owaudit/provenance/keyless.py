"""Signing with the identity of the environment: Sigstore with an ambient token, as in CI.

This uses the network: the token names who signs, the certificate authority and the log are asked.

Source: sigstore-python 4.5.1, ``SigningContext`` and ``detect_credential``.
"""

from __future__ import annotations

from typing import Any

from owaudit.errors import NetworkError, UsageError
from owaudit.provenance.kinds import canonical


def signed_keyless(statement: dict[str, Any]) -> str:
    """The JSON of a Sigstore bundle over a statement, signed with the ambient identity.

    Raises:
        UsageError: the environment offers no identity, or the statement is refused.
        NetworkError: a service of Sigstore did not answer as needed.
    """
    from sigstore import dsse, errors
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityError, IdentityToken, detect_credential
    from sigstore.sign import SigningContext

    try:
        token = detect_credential()
        if token is None:
            raise UsageError("the environment offers no identity; signing without a key works in CI")
        context = SigningContext.from_trust_config(ClientTrustConfig.production())
        with context.signer(IdentityToken(token)) as signer:
            bundle: str = signer.sign_dsse(dsse.Statement(canonical(statement))).to_json()
            return bundle
    except IdentityError as error:
        raise UsageError(f"the identity of the environment cannot be used: {error}") from error
    # What the network library raises is an OSError too.
    except (errors.Error, OSError) as error:
        raise NetworkError(f"signing did not work: {error}") from error
