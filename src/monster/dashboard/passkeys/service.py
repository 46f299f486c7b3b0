"""Registers passkeys and checks what they sign."""

import base64
import secrets
import struct
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRequestOptions,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import TokenWorthless
from monster.dashboard.identity.models import Passkey
from monster.dashboard.identity.scope import Person
from monster.dashboard.passkeys import queries
from monster.dashboard.passkeys.errors import (
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyRefused,
    TooManyPasskeys,
)
from monster.dashboard.passkeys.schemas import (
    Assertion,
    Attestation,
    NewPasskey,
    Options,
    PasskeyOptions,
    RelyingParty,
)

MOST = 20  # passkeys of one person
_NAME = "Monster"
_LIFE = timedelta(minutes=5)
# A second factor after a password: whether the device also asks who holds it, is up to it.
_WISHES = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.DISCOURAGED,
    user_verification=UserVerificationRequirement.PREFERRED,
)
# What the library raises on bytes that are no answer of any passkey.
_NONSENSE = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    struct.error,
    UnsupportedAlgorithm,
)


async def listed(session: AsyncSession, person: uuid.UUID) -> Sequence[Passkey]:
    return await queries.listed(session, person)


async def get(session: AsyncSession, person: uuid.UUID, passkey_id: uuid.UUID) -> Passkey:
    found = await queries.get(session, person, passkey_id)
    if found is None:
        raise PasskeyNotFound(f"no passkey {passkey_id}")
    return found


async def options_for_new(
    session: AsyncSession, person: Person, party: RelyingParty
) -> PasskeyOptions:
    """What the browser asks the device for, and the token that stands for having asked."""
    known = await queries.listed(session, person.user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys(f"{MOST} passkeys are enough: remove one first")
    challenge = secrets.token_bytes(32)
    data = {"challenge": _text(challenge)}
    token_id = await identity.promise(session, "passkey", _LIFE, user_id=person.user_id, data=data)
    minted = await identity.mint(session, token_id)
    assert minted
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=_NAME,
        user_name=person.identity.user_email,
        user_display_name=person.identity.user_name,
        user_id=person.user_id.bytes,
        challenge=challenge,
        authenticator_selection=_WISHES,
        exclude_credentials=_descriptors(known),
    )
    return PasskeyOptions(challenge=minted[0], options=_plain(options))


async def register(
    session: AsyncSession, person: Person, party: RelyingParty, new: NewPasskey
) -> Passkey:
    """Raises TokenWorthless, PasskeyRefused or PasskeyKnown."""
    asked = await identity.redeem(session, "passkey", new.challenge)
    if asked.user_id != person.user_id:
        raise TokenWorthless("this was asked by somebody else")
    made = _attested(party, _bytes(asked.data["challenge"]), new.credential)
    row = {
        "credential_id": made.credential_id,
        "public_key": made.credential_public_key,
        "sign_count": made.sign_count,
    }
    passkey = await queries.insert_if_new(session, person.user_id, new.name, **row)
    if passkey is None:
        raise PasskeyKnown("this passkey is registered already")
    return passkey


def _attested(
    party: RelyingParty, challenge: bytes, credential: Attestation
) -> VerifiedRegistration:
    try:
        return webauthn.verify_registration_response(
            credential=credential.model_dump(by_alias=True),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
        )
    except _NONSENSE as error:
        raise PasskeyRefused("the passkey was not accepted: try again") from error


async def options_for_use(
    session: AsyncSession, person: uuid.UUID, party: RelyingParty, challenge: str
) -> Options:
    """`challenge` in base64url."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=_bytes(challenge),
        allow_credentials=_descriptors(await queries.listed(session, person)),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return _plain(options)


async def check(
    session: AsyncSession,
    person: uuid.UUID,
    party: RelyingParty,
    challenge: str,
    answer: Assertion,
) -> bool:
    """Whether a passkey of this person signed the challenge, here, and counts on."""
    passkey = await queries.lock(session, person, _bytes(answer.raw_id))
    if passkey is None:
        return False
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer.model_dump(by_alias=True),
            expected_challenge=_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
        )
    except _NONSENSE:
        return False
    await queries.used(session, person, passkey.id, verified.new_sign_count)
    return True


async def remove(session: AsyncSession, person: uuid.UUID, passkey_id: uuid.UUID) -> Passkey:
    passkey = await get(session, person, passkey_id)
    await queries.remove(session, person, passkey_id)
    return passkey


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in passkeys]


def _plain(
    options: PublicKeyCredentialCreationOptions | PublicKeyCredentialRequestOptions,
) -> Options:
    return cast(Options, options_to_json_dict(options))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
