"""A Genesys Cloud organization to develop and test against, on one loopback origin.

`python -m deployments.sandbox.genesys --port 0` prints its address in one line and answers until
interrupted; `deployments.sandbox.genesys.process.running()` does the same as a context manager.

It answers POST /oauth/token; GET /api/v2/analytics/conversations/{id}/details and .../details?id=; POST
.../details/query; GET /api/v2/conversations/{id}; GET /api/v2/integrations, /{id} and /{id}/config/current;
GET /api/v2/organizations/me and /limits/namespaces/platform.api. Where Genesys's own behaviour is not known,
this says "assumed".

Any UUID is a conversation, the same one each time: which day it started on depends on --epoch, all else on
the id alone. Unknown ids are left out of a multi-get (whose `conversations` is absent when nothing is left)
and are 404 alone. More than 100 ids in a multi-get are 400, as is an id that is no UUID (both assumed). A
query's body must be application/json (else 415) and its filters made of Genesys's own dimensions and metrics;
evaluations, surveys, resolutions and aggregations are not simulated: 400.

A token may make 300 requests a minute: a window opens with its first request and closes 60 s later
(assumed); refused requests count too. Answers to a live token carry the inin-ratelimit-* headers, every
answer a correlation id and a Date. `MANUAL` below is about /_sim, which makes it misbehave.
"""

from __future__ import annotations

MANUAL = """\
/_sim controls the simulator. Its calls are never counted, limited or struck by faults. Durations are seconds;
a time without a zone is UTC. What a body holds wrongly is 400 and names the field, and nothing has happened.

GET  /_sim                  counters and settings; most_in_window is the exact most requests in any stretch of
                            rate_window seconds, or of ?window=S
GET  /_sim/requests         when each request came (epoch seconds): {"all": [...], "api": [...]}
GET  /_sim/targets          the last 10,000 requests' addresses, path and query as they came: {"targets": [...]}
POST /_sim/faults           change the settings named, leave the others, answer all of them:
  error_rate, status          this share of requests is answered with this status (500) and Genesys's body for
                              it; a 429 asks to wait for rate_window, other waits are throttle's
  error_next                  the next so many requests are answered with status
  latency                     seconds before each answer, refusals too, S or [least, most]
  timeout_rate                this share hangs for timeout_seconds (60), then the connection drops
  half_body_rate              this share of answers breaks off in the middle
  wrong_content_type_rate     this share of answers is an HTML page
  strikes                     what error, timeout and latency strike: all (default), api or token
  not_settled_for             conversationEnd and wrap-ups are absent so long after an id's first fetch, or
                              after its announced end (see events)
  not_settled_ids             these ids never settle while listed here
  unknown_for                 an id is not known so long after its first fetch
  unknown_ids                 these ids are not known
  reject_ids                  400 for a multi-get that holds one of these
  ids_max                     most ids in a multi-get (100)
  token_life                  seconds that tokens issued from now on live (86400)
  revoke_tokens               true: every token is dead at once
  rate_limit, rate_window     requests allowed to a token in a window of so many seconds (300 in 60)
  throttle                    {"retry_after": S or null, "for_seconds": S}: 429 for everything; null ends it
  missing_permission          a permission, or a list, that the client's roles lack: 403
  date_offset                 seconds that Genesys's clock (the Date header) is ahead
  seed                        start the random faults over with this seed
POST /_sim/reset            forget everything but the tokens; {"only": [...]} of faults, counters, tokens, all;
                            counters: also opens new rate windows
GET  /_sim/conversations    every conversation that a query can find: id, start, end
POST /_sim/conversations    {"count": N or "ids": [...], "start": time, "end": time}: conversations that
                            started in the interval; an id that is known is made anew, without what
                            happened to it; answers {"ids": [...]}
GET  /_sim/conversations/ID the truth about an id, whatever the faults
POST /_sim/conversations/ID/events   something happens to it; answers the new truth. {"type": ...}:
  ended                       its end is announced now: not_settled_for counts from here; whoever is still
                              there after "reopened" leaves
  ended-again                 the customer came back ("after_ms": 600000 later), unless they are still there,
                              to another agent, and left
  reopened                    the customer came back ("after_ms" later) and is still there: no conversationEnd
  corrected                   measured values and wrap-ups change, the end stays
  grown                       it has about "bytes" (500000) more
  changed                     top-level fields are replaced by those in "changes" (null: removed), other than
                              conversationId, conversationStart, conversationEnd and participants
  removed                     Genesys has deleted it
GET  /_sim/pii              {"strings": [...]}: every personal string that it gave out; ?id=ID: of one
GET  /_sim/integrations     the list of integrations, POST replaces it; each entry may name id, name,
                            integrationType, reportedState, intendedState, awsAccountId, awsAccountRegion,
                            eventSourceSuffix, eventFilter, and takes the rest from the default
GET  /_sim/help             this text
"""
