"""What is written for each interaction of a processed chunk: a record, a deferral, a quarantine row or nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from tasks import telemetry
from tasks.errors import (
    ConversationNotFound,
    DependencyUnavailable,
    InternalError,
    PermanentError,
    PipelineError,
    RetriesExhausted,
)
from tasks.events import serialize
from tasks.pipeline.chunk_write import ChunkWrite
from tasks.pipeline.deferral import Wait, confirmation, wait_after_error, wait_for_conversation
from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import FetchedInteraction, InteractionWork, PipelineRun, SkipReason
from tasks.services import Services
from tasks.stores import Deferral, DeferralReason, NewRow, Provenance, QuarantineRow, Stored, WriteOutcome
from tasks.stores.batch_insert import STATEMENTS
from tasks.stores.quarantine import failed_id
from tasks.values import chunked, instant, iso

UNKNOWN = (
    "unknown-to-genesys: neither Genesys nor the table knows it; check the id and the divisions of the OAuth "
    "client, or replay it later"
)
_log = logging.getLogger(__name__)


class ChunkWriter:
    """Writes one chunk; its methods block, and may run in several threads for different interactions."""

    def __init__(self, services: Services, run: PipelineRun, write: ChunkWrite) -> None:
        self._services = services
        self._interactions = services.interactions
        self._settings = services.settings
        self._run = run
        self._write = write
        self._processed = write.processed

    def finish_skipped(self) -> None:
        """Note the outcomes of skipped interactions which need no write."""
        for work, reason in self._processed.skipped:
            if not (reason is SkipReason.OTHER_QUEUE and self._stored(work)):
                self._finish(work, OutcomeKind.UNCHANGED, reason.value)

    def stage(self) -> None:
        """Put the conversations of the records that are left into S3: no row names an object that does not stand.

        Then look: an erasure that had passed before the object stood did not find it, and no row may come to be
        written that a tombstone refuses.
        """
        left = [
            each for each in self._processed.fetched if each.work.interaction_id not in self._write.outcomes
        ]
        if left and (bucket := self._services.staging) is not None:
            grace, forced = self._settings.staging_grace, self._run.force
            self._write.staging.put(bucket, left, grace=grace, forced=forced)
            erased = self._interactions.erased_among([each.work.interaction_id for each in left])
            for each in left:
                if each.work.interaction_id in erased:
                    self._finish_erased(each.work)
            self.remove_erased()

    def remove_erased(self) -> None:
        """Remove from S3 what was staged of interactions that turned out to be erased."""
        if (bucket := self._services.staging) is not None:
            self._write.staging.remove_erased(bucket)

    def inserts(self) -> Iterator[Callable[[], None]]:
        """Yield one call for each round trip that inserts interactions which the table did not hold at the lookup."""
        known = self._processed.stored.keys() | self._write.inserted | self._write.outcomes.keys()
        new = [each for each in self._processed.fetched if each.work.interaction_id not in known]
        for part in chunked(new, STATEMENTS):
            yield partial(self._insert, part)

    def writes(self) -> list[Callable[[], None]]:
        """Return one call for each interaction that has no outcome yet."""
        processed = self._processed
        calls: list[tuple[InteractionWork, Callable[[], None]]] = []
        for fetched in processed.fetched:
            calls.append((fetched.work, partial(self._save, fetched)))
        for work in processed.undecided:
            calls.append((work, partial(self._wait_for_queue, work)))
        for work, _ in processed.skipped:
            calls.append((work, partial(self._leave_to_others, work)))
        for work in processed.missing:
            calls.append((work, partial(self._save_missing, work)))
        for work, error in processed.postponed:
            calls.append((work, partial(self._postpone, work, error)))
        for work, failure in processed.failed:
            calls.append((work, partial(self._fail, work, failure)))
        return [
            partial(self._isolated, work, call)
            for work, call in calls
            if work.interaction_id not in self._write.outcomes
        ]

    def _isolated(self, work: InteractionWork, call: Callable[[], None]) -> None:
        """Keep one interaction's failure from its neighbours: it is quarantined, whether refused or a bug of ours."""
        try:
            call()
        except DependencyUnavailable:
            raise
        except PermanentError as error:
            self._fail(work, error)
        except Exception as bug:  # noqa: BLE001 - logged, and its row is in quarantine
            failure = InternalError.from_exception(bug)
            _log.error("interaction %s: %s", work.interaction_id, failure)
            self._fail(work, failure)

    def _insert(self, part: list[FetchedInteraction]) -> None:
        rows = [
            NewRow(
                each.record, self._staged_provenance(each.work), wait.deferral if wait else None, each.names
            )
            for each in part
            for wait in (self._wait_for_end(each),)
        ]
        inserted = self._interactions.insert(rows)
        deferrals = {row.record.interaction_id: row.deferral for row in rows}
        self._write.inserted |= {id_: deferrals[id_] for id_ in inserted}
        for each in part:
            id_ = each.work.interaction_id
            if id_ in inserted and id_ not in self._processed.quarantined:
                # No call to AWS is left for it, so it needs no thread of its own.
                self._isolated(each.work, partial(self._save, each))

    def _save(self, fetched: FetchedInteraction) -> None:
        work, record = fetched.work, fetched.record
        id_, provenance = work.interaction_id, self._staged_provenance(work)
        confirm = confirmation(self._run, self._settings)
        if id_ in self._write.inserted:
            deferral, needs_run, written = self._write.inserted[id_], True, WriteOutcome.WRITTEN
        else:
            wait = self._wait_for_end(fetched)
            deferral, needs_run = wait or (None, False)
            written = self._interactions.save(
                record,
                provenance,
                deferral if needs_run else None,
                confirm=confirm,
                force=self._run.force,
                keep_deferral=deferral is not None,
                names=fetched.names,
            )
        if written is WriteOutcome.ERASED:
            self._finish_erased(work)
        elif deferral is not None:
            if written is WriteOutcome.STALE and needs_run:
                self._interactions.defer(id_, provenance, deferral)
            self._write.defer(work, deferral, "the conversation has not ended", needs_run=needs_run)
        else:
            if written.to_confirm:
                self._write.ask_again(work, confirm)
            if written.written:
                self._record_lag(fetched)
            self._finish_saved(work, written)

    def _record_lag(self, fetched: FetchedInteraction) -> None:
        """Record how late a first settled row is; what corrects one is not late."""
        stored, work = self._stored(fetched.work), fetched.work
        if stored is None or not stored.settled:
            now, end = datetime.now(UTC), instant(fetched.record.content.get("endedAt"))
            for since, began in (("event", work.first.event_time), ("end", end)):
                if began is not None:
                    seconds = max(0.0, (now - began).total_seconds())
                    telemetry.record(telemetry.LAG, seconds, since=since, priority=self._run.priority)

    def _finish_saved(self, work: InteractionWork, written: WriteOutcome) -> None:
        if work.interaction_id in self._processed.quarantined:
            self._services.quarantine.remove(failed_id(work.interaction_id))
        if written.written or written is WriteOutcome.ALREADY_BY_THIS_RUN:
            self._finish(work, OutcomeKind.SAVED)
        else:
            self._finish(work, OutcomeKind.UNCHANGED, written.value)

    def _save_missing(self, work: InteractionWork) -> None:
        stored = self._stored(work)
        if stored is None and not self._run.defer_unknown:
            self._finish(work, OutcomeKind.FAILED, UNKNOWN)
        elif stored is not None and stored.known and stored.settled:
            self._remove_deferral(work)
            self._finish(
                work, OutcomeKind.UNCHANGED, "Genesys no longer returns it; the settled record stays"
            )
        elif wait := wait_for_conversation(self._run, stored, self._settings, DeferralReason.NOT_KNOWN):
            self._defer(work, wait, "Genesys does not know it yet")
        elif stored is not None and stored.known:
            self._remove_deferral(work)
            self._finish(work, OutcomeKind.UNCHANGED, "DEFERRAL_LIMIT has passed; the record stays unsettled")
        else:
            error = "Genesys never returned this interaction; check its id and division"
            self._fail(work, ConversationNotFound(error))

    def _wait_for_queue(self, work: InteractionWork) -> None:
        """Leave a placeholder, without a record and an object, until the interaction has ended."""
        if wait := wait_for_conversation(self._run, self._stored(work), self._settings):
            self._defer(work, wait, "it has not ended, and has touched none of the queues in QUEUE_IDS")
        else:
            self._leave_to_others(work)

    def _leave_to_others(self, work: InteractionWork) -> None:
        """Remove what waits for an interaction of other queues: its placeholder, or a record's deferral."""
        if not self._interactions.delete_placeholder(work.interaction_id):
            self._remove_deferral(work)
        self._finish(work, OutcomeKind.UNCHANGED, SkipReason.OTHER_QUEUE.value)

    def _postpone(self, work: InteractionWork, error: PipelineError) -> None:
        wait = wait_after_error(self._run, self._stored(work), error, self._settings)
        if wait is not None:
            self._defer(work, wait, error.code)
        else:
            text = f"Genesys could not be asked until DEFERRAL_LIMIT had passed: {error}"
            self._fail(work, RetriesExhausted(text))

    def _defer(self, work: InteractionWork, wait: Wait, why: str) -> None:
        if wait.needs_run and not self._note_deferral(work, wait.deferral):
            self._finish_erased(work)
        else:
            self._write.defer(work, wait.deferral, why, needs_run=wait.needs_run)

    def _note_deferral(self, work: InteractionWork, deferral: Deferral) -> bool:
        """Write the deferral to the table; returns whether it was written: not when the interaction was erased."""
        written = self._interactions.defer(work.interaction_id, self._provenance(work), deferral)
        return written is not WriteOutcome.ERASED

    def _fail(self, work: InteractionWork, error: PermanentError) -> None:
        """Put the interaction into quarantine, with the error and its event; an erased one leaves nothing behind."""
        if self._interactions.is_erased(work.interaction_id):
            self._finish_erased(work)
            return
        row = QuarantineRow(
            "failed", error.code, str(error), serialize(work.first), work.first.event_id, work.interaction_id
        )
        self._services.quarantine.put(row, self._run.flow_run_id)
        if self._interactions.is_erased(
            work.interaction_id
        ):  # since the look above: nobody else removes the row
            self._services.quarantine.remove(row.quarantine_id)
            self._finish_erased(work)
            return
        self._remove_deferral(work)  # or reconcile would ask again and again
        self._finish(work, OutcomeKind.FAILED, f"{error.code}: {error}")

    def _finish_erased(self, work: InteractionWork) -> None:
        self._write.staging.erased.add(work.interaction_id)
        self._finish(work, OutcomeKind.UNCHANGED, WriteOutcome.ERASED.value)

    def _finish(self, work: InteractionWork, kind: OutcomeKind, detail: str = "") -> None:
        self._write.finish(work, kind, detail)

    def _remove_deferral(self, work: InteractionWork) -> None:
        self._interactions.remove_deferral(work.interaction_id, self._run.flow_run_id)

    def _stored(self, work: InteractionWork) -> Stored | None:
        return self._processed.stored.get(work.interaction_id)

    def _wait_for_end(self, fetched: FetchedInteraction) -> Wait | None:
        """Return when to ask again for a conversation that has not ended; None for a settled one."""
        if fetched.record.settled:
            return None
        return wait_for_conversation(self._run, self._stored(fetched.work), self._settings)

    def _staged_provenance(self, work: InteractionWork) -> Provenance:
        staged = None if self._services.staging is None else self._write.staging.key
        return replace(self._provenance(work), staged=staged)

    def _provenance(self, work: InteractionWork) -> Provenance:
        event = work.first
        return Provenance(
            flow_run_id=self._run.flow_run_id,
            attempt=self._run.attempt,
            event_id=event.event_id,
            event_type=event.event_type,
            event_time=iso(event.event_time) if event.event_time else None,
        )
