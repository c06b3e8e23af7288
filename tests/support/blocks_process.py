"""Run as a process: create the pipeline's services inside an event loop, as a worker does, and use each.

Prints JSON: what was fetched, read and listed, and which credentials were used, without a secret.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import Any

from tasks.services import get_services


async def use_services(interaction_id: str) -> dict[str, Any]:
    """Fetch a conversation, read a row and list the bucket."""
    services = get_services()
    fetch = await asyncio.to_thread(services.genesys["background"].get_conversations, [interaction_id])
    row = await asyncio.to_thread(services.interactions.get, str(uuid.uuid4()))
    objects = [] if services.conversations is None else list(services.conversations.keys(interaction_id))
    return {
        "fetched": sorted(fetch.conversations),
        "row": row,
        "objects": len(objects),
        "bucket": services.conversations.bucket if services.conversations else None,
        "client_id": services.settings.genesys_client_id,
        "shown": repr(services.settings),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(use_services(sys.argv[1]))))
