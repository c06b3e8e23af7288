"""The blocks that hold secrets, with their forms in the Prefect UI."""

from __future__ import annotations

from typing import Literal, NamedTuple

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from prefect_aws import AwsCredentials, S3Bucket

from tasks.blocks import GenesysCredentials

BLOCKS: tuple[type[Block], ...] = (GenesysCredentials, AwsCredentials, S3Bucket)


class Change(NamedTuple):
    """What was done to one block type."""

    kind: str
    name: str
    done: Literal["created", "updated", "unchanged"]


async def apply_blocks(client: PrefectClient) -> list[Change]:
    """Register the block types, so that their forms are in the UI; no block is made or changed."""
    return [await _apply(client, block) for block in BLOCKS]


async def _apply(client: PrefectClient, block: type[Block]) -> Change:
    slug = block.get_block_type_slug()
    done: Literal["created", "updated", "unchanged"] = "unchanged"
    try:
        await client.read_block_type_by_slug(slug)
    except ObjectNotFound:
        done = "created"
    if done == "unchanged" and not await _schema_known(client, block):
        done = "updated"
    await block.aregister_type_and_schema(client=client)
    return Change("block type", slug, done)


async def _schema_known(client: PrefectClient, block: type[Block]) -> bool:
    try:
        await client.read_block_schema_by_checksum(
            block._calculate_schema_checksum(),  # noqa: SLF001 - what registering asks, too
            version=block.get_block_schema_version(),
        )
    except ObjectNotFound:
        return False
    return True
