"""A process that makes the pipeline's services inside an event loop, as a worker does, and tries each.

Prints JSON: what was fetched, read and listed, and where the credentials came from; never a secret.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import Any

from tasks.bootstrap import services


async def probe(interaction_id: str) -> dict[str, Any]:
    """Fetch a conversation, read a row and list the bucket."""
    given = services()
    fetch = await asyncio.to_thread(given.genesys["background"].get_conversations, [interaction_id])
    row = await asyncio.to_thread(given.interactions.get, str(uuid.uuid4()))
    objects = [] if given.archive is None else list(given.archive.keys(interaction_id))
    return {
        "fetched": sorted(fetch.conversations),
        "row": row,
        "objects": len(objects),
        "bucket": given.archive.bucket if given.archive else None,
        "client_id": given.settings.genesys_client_id,
        "shown": repr(given.settings),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(probe(sys.argv[1]))))
