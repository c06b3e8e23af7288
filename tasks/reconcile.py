"""query: one page of an interval's conversations."""

from __future__ import annotations

from prefect import get_run_logger

from tasks.genesys import QueryPage
from tasks.operations.reconciler import QueryCursor
from tasks.options import pipeline_task
from tasks.services import get_services, in_thread


@pipeline_task(name="query", retries=3, first_delay=5)
async def query(cursor: QueryCursor) -> QueryPage:
    """Return the page of Genesys's conversations that the cursor is at.

    Only conversations that have ended are asked for, oldest first: fewer of them move between two pages.
    Raises TransientError (retried by the task) when Genesys cannot be reached, ResponseTooLarge when the page is
    more than it returns at once.
    """
    services = get_services()
    client, interval = services.genesys["background"], cursor.interval
    page = await in_thread(
        services.fetch_pool,
        lambda: client.query_conversations(
            interval.start,
            interval.end,
            page=cursor.page,
            page_size=cursor.page_size,
            queue_ids=services.settings.queue_ids,
        ),
    )
    get_run_logger().info(
        "%s, page %d of about %s conversations", interval.start.date(), cursor.page, page.total_hits
    )
    return page
