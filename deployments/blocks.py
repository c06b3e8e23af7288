"""The types of the blocks that hold secrets: once registered, they have forms in the Prefect UI."""

from __future__ import annotations

from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect_aws import AwsCredentials, S3Bucket

from deployments.resources import AppliedResource
from tasks.blocks import GenesysCredentials

BLOCKS: tuple[type[Block], ...] = (GenesysCredentials, AwsCredentials, S3Bucket)


async def apply_blocks(client: PrefectClient) -> list[AppliedResource]:
    """Register the block types and return each with what was done; no block is created or changed."""
    return [await _apply(client, block) for block in BLOCKS]


async def _apply(client: PrefectClient, block: type[Block]) -> AppliedResource:
    slug = block.get_block_type_slug()
    before = await _newest_schema(client, slug)
    await block.aregister_type_and_schema(client=client)
    if before is None:
        return AppliedResource("block type", slug, "created")
    changed = before != await _newest_schema(client, slug)
    return AppliedResource("block type", slug, "updated" if changed else "unchanged")


async def _newest_schema(client: PrefectClient, slug: str) -> UUID | None:
    """Return the id of the newest schema of a block type, None when the server has no such type."""
    try:
        block_type = await client.read_block_type_by_slug(slug)
    except ObjectNotFound:
        return None
    schema = await client.get_most_recent_block_schema_for_block_type(block_type.id)
    return schema.id if schema else None
