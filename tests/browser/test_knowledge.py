"""Documents in a real browser: dropped in, followed until they are ready, found."""

from fastapi import FastAPI
from playwright.async_api import FilePayload, expect

from monster.kit.embedded import Embedded
from tests.browser.look import Visitor, violations
from tests.knowledge import GUIDE, work


async def test_documents_become_ready_while_one_looks(
    visitor: Visitor, engine: FastAPI, postgres: Embedded
) -> None:
    async with visitor.at("/knowledge") as page:
        await page.locator("[data-open=new-index]").click()
        await page.get_by_label("Name").fill("House rules")
        assert not await violations(page)
        await page.get_by_role("button", name="Make the index").click()
        await page.wait_for_url("**/knowledge/*-*")

        await page.get_by_role("button", name="Add documents").first.click()
        file = FilePayload(name="guide.md", mimeType="text/markdown", buffer=GUIDE.encode())
        await page.get_by_label("Files").set_input_files([file])
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.get_by_text("1 being worked on")).to_be_visible()

        question = page.get_by_role("searchbox", name="Question")
        await question.fill("How much vaca")
        await work(postgres, engine)
        await expect(page.get_by_text("Ready", exact=True)).to_be_visible()
        await expect(page.locator("#state")).not_to_have_attribute("hx-trigger", "every 2s")
        await expect(question).to_have_value("How much vaca")  # what is typed outlives a swap

        await question.fill("How much vacation is there?")
        await question.press("Enter")
        await expect(page.locator(".hit").first).to_contain_text("thirty days")
        assert not await violations(page)
