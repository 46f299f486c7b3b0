"""JSON endpoints about a person's own second factors."""

import uuid

from fastapi import APIRouter

from monster.dashboard.factors import service
from monster.dashboard.factors.schemas import (
    Confirm,
    Factors,
    FactorsOut,
    PasskeyAdded,
    Password,
    RecoveryCodesOut,
    Setup,
    TotpOut,
)
from monster.dashboard.factors.scope import AccountKey, CurrentParty, PersonBegin
from monster.dashboard.identity.scope import CurrentPerson, PersonTransaction
from monster.dashboard.passkeys import service as passkeys
from monster.dashboard.passkeys.schemas import NewPasskey, PasskeyOptions, PasskeyOut

router = APIRouter(prefix="/factors", tags=["factors"])


@router.get("", response_model=FactorsOut)
async def list_factors(session: PersonTransaction, person: CurrentPerson) -> Factors:
    return await service.overview(session, person.user_id)


@router.post("/totp", response_model=TotpOut, status_code=201)
async def begin_totp(session: PersonTransaction, person: CurrentPerson, key: AccountKey) -> Setup:
    """The secret of an authenticator app. It counts once a code of it was confirmed."""
    return await service.begin_totp(session, person, key)


@router.post("/totp/confirm")
async def confirm_totp(
    data: Confirm, session: PersonTransaction, person: CurrentPerson, key: AccountKey
) -> RecoveryCodesOut:
    codes = await service.confirm_totp(session, person, key, data.code)
    return RecoveryCodesOut(recovery_codes=codes)


@router.post("/totp/remove", status_code=204)
async def remove_totp(data: Password, begin: PersonBegin, person: CurrentPerson) -> None:
    person.require_own()
    await service.check_password(begin, person, data.password.get_secret_value())
    async with begin() as session:
        await service.remove_totp(session, person)


@router.post("/passkeys/options", status_code=201)
async def passkey_options(
    session: PersonTransaction, person: CurrentPerson, party: CurrentParty
) -> PasskeyOptions:
    """For `navigator.credentials.create()`; good for five minutes."""
    person.require_own()
    return await passkeys.options_for_new(session, person, party)


@router.post("/passkeys", status_code=201)
async def add_passkey(
    data: NewPasskey, session: PersonTransaction, person: CurrentPerson, party: CurrentParty
) -> PasskeyAdded:
    passkey, codes = await service.add_passkey(session, person, party, data)
    shown = PasskeyOut.model_validate(passkey)
    return PasskeyAdded(**shown.model_dump(), recovery_codes=codes)


@router.post("/passkeys/{passkey_id}/remove", status_code=204)
async def remove_passkey(
    passkey_id: uuid.UUID, data: Password, begin: PersonBegin, person: CurrentPerson
) -> None:
    person.require_own()
    await service.check_password(begin, person, data.password.get_secret_value())
    async with begin() as session:
        await service.remove_passkey(session, person, passkey_id)


@router.post("/recovery-codes", status_code=201)
async def new_recovery_codes(
    data: Password, begin: PersonBegin, person: CurrentPerson
) -> RecoveryCodesOut:
    """Ten new ones; those before are worth nothing from then on."""
    person.require_own()
    await service.check_password(begin, person, data.password.get_secret_value())
    async with begin() as session:
        return RecoveryCodesOut(recovery_codes=await service.new_codes(session, person))
