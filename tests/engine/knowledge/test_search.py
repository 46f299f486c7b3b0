"""What is found, by whom, and how it is shown in its place."""

from fastapi import FastAPI

from monster.kit.embedded import Embedded
from tests.builders import Tenant
from tests.knowledge import keeper, make_index, search, upload, work

QUESTIONS = {
    "How much vacation do I get?": "Holidays",  # no word in common
    "receipts": "Expenses",
    "Where can guests put their vehicle?": "Parking",
}


async def test_the_right_passage_comes_first(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index)
    await work(postgres, engine)

    for question, heading in QUESTIONS.items():
        first = (await search(caller, index, question))[0]
        assert first["place"] == f"Guide > {heading}", question
