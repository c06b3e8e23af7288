"""A simulated Genesys Cloud organization for development and tests, on one port of 127.0.0.1.

`python -m deployments.sandbox.genesys --port 0` prints its address, one line, and serves until interrupted;
`deployments.sandbox.genesys.process.running()` does the same as a context manager.

Endpoints: POST /oauth/token; GET /api/v2/analytics/conversations/{id}/details and .../details?id=; POST
.../details/query and .../details/jobs, GET .../jobs/{id}, /{id}/results and /availability; GET
/api/v2/conversations/{id}; GET /api/v2/integrations, /{id} and /{id}/config/current;
GET /api/v2/users, /routing/queues, /routing/wrapupcodes and /authorization/divisions, each with id=;
GET /api/v2/organizations/me and /limits/namespaces/platform.api. "Assumed" marks what Genesys does not document.

Every UUID is a conversation: its start day depends on --epoch, everything else on the id alone. A multi-get leaves
unknown ids out (without any known id, `conversations` is absent); alone, an unknown id is 404. A multi-get of more
than 100 ids is 400, as is an id that is no UUID (both assumed). The body of a query must be application/json (else
415) and its filters use Genesys's own dimensions and metrics; filters for evaluations, surveys and resolutions, and
aggregations, are not simulated: 400.

A token may make 300 requests a minute. A window opens with a token's first request and closes 60 s later (assumed);
refused requests count too. Responses to a valid token carry the inin-ratelimit-* headers, every response a
correlation id and a Date. MANUAL below describes /_sim, which injects faults.

Imports go one way: http.server -> control.app and http.app -> http.exchange -> http.endpoints -> http.directory and
queries -> conversations.registry -> revisions and details -> scenarios -> outbound and staff -> customers -> builder ->
media and people -> organization. Any of them may import conversations.timestamps, control.validation, http.errors,
http.limits and http.listing; control.faults imports only these.
"""

from __future__ import annotations

MANUAL = """\
/_sim controls the simulator. Its requests are not counted, not limited and get no faults. Durations are seconds; a
time without a zone is UTC. A wrong body is answered with 400, which names the field, and changes nothing.

GET  /_sim                  counters and settings; most_in_window is the exact maximum of requests in any interval
                            of rate_window seconds, or of ?window=S
GET  /_sim/requests         when each request came (epoch seconds): {"all": [...], "api": [...]}
GET  /_sim/targets          path and query of the last 10,000 requests, as sent: {"targets": [...]}
POST /_sim/faults           changes the settings it names, leaves the others, returns all of them:
  error_rate, status          this share of requests gets this status (500) and Genesys's body for it; a 429 says
                              to wait for rate_window (throttle sets other waits)
  error_next                  this number of requests, from now on, get status
  latency                     seconds before each response, errors included: S or [least, most]
  travel                      seconds before each request is counted, as on a slow connection: S or [least, most]
  timeout_rate                this share hangs for timeout_seconds (60), then the connection is closed
  half_body_rate              this share of responses breaks off in the middle
  wrong_content_type_rate     this share of responses is an HTML page
  strikes                     which requests get errors, timeouts and latency: all (default), api or token
  not_settled_for             conversationEnd and wrap-ups are absent for this time after an id's first fetch, or
                              after its announced end (see events)
  not_settled_ids             these ids do not settle while they are listed here
  unknown_for                 an id is unknown for this time after its first fetch
  unknown_ids                 these ids are unknown
  reject_ids                  400 for a multi-get that contains one of these
  endless_ids                 100 MB, compressed, for a multi-get that contains one of these
  ids_max                     maximum of ids in a multi-get (100)
  response_bytes_max          an answer may have so many bytes (10000000): 413 for a query, 400 for any other
  page_max                    a page of a query may have so many conversations (100): 413 for one with more
  total_hits                  what a query says of its total: estimate, half of the hits, or absent
  stale_rate                  this share of the answers about a conversation comes from a replica that lags: without
                              its last event, or, if it has had none, without its end; the Date is that of now
  lake_lag                    seconds by which the lake that jobs read lags (14400): it has nothing, and no event of
                              /_sim, of later; the dataAvailabilityDate says until when
  job_seconds                 seconds, QUEUED then PENDING, until a job that is submitted from now on has ended (1)
  job_ends_as                 how it ends: FULFILLED, FAILED, CANCELLED or EXPIRED
  job_life                    seconds until a job that is submitted from now on expires (259200)
  expire_jobs                 true: every job is expired
  job_page_max                maximum of a page of a job's results (1000)
  cursor_life                 seconds after which a cursor of a job's results is refused with 400 (3600)
  token_life                  lifetime in seconds of tokens issued from now on (86400)
  revoke_tokens               true: revokes all tokens
  rate_limit, rate_window     requests allowed to a token in a window of so many seconds (300 in 60)
  throttle                    {"retry_after": S or null, "for_seconds": S}: 429 for every request; null ends it
  missing_permission          a permission, or a list, that the client's roles lack: 403; of the directory these are
                              directory:user:view, routing:queue:view, routing:wrapupCode:view and
                              authorization:division:view
  unknown_directory_ids       these ids are no user, queue, wrap-up code or division: left out
  date_offset                 seconds by which Genesys's clock (the Date header) is ahead
  seed                        restarts the random faults with this seed
POST /_sim/reset            resets everything but the tokens; {"only": [...]} of faults, counters, tokens, all;
                            counters: also opens new rate windows
GET  /_sim/conversations    every conversation that a query can find: id, start, end
POST /_sim/conversations    {"count": N or "ids": [...], "start": time, "end": time} adds conversations that started
                            in the interval; a known id is replaced, and its events are dropped; returns
                            {"ids": [...]}
GET  /_sim/conversations/ID the actual details of an id, regardless of the faults
POST /_sim/conversations/ID/events   changes it and returns its actual details. {"type": ...}:
  ended                       its end is announced: not_settled_for counts from now; a customer who is still there
                              after "reopened" leaves
  ended-again                 the customer returned ("after_ms": 600000 later), unless still there, talked to another
                              agent, and left
  reopened                    the customer returned ("after_ms" later) and is still there: no conversationEnd
  corrected                   metric values and wrap-ups change, the end stays
  end-corrected               the end moves back by "earlier_ms" (1000), and what lies after it to the new end
  left-open                   there is no end, though everybody has left and wrapped up
  grown                       it grows by about "bytes" (500000)
  changed                     top-level fields are replaced by those in "changes" (null: removed), except
                              conversationId, conversationStart, conversationEnd and participants
  removed                     Genesys has deleted it
GET  /_sim/pii              {"strings": [...]}: every personal string that it has returned; ?id=ID: of one id
GET  /_sim/integrations     the list of integrations; POST replaces it; each entry may name id, name,
                            integrationType, reportedState, intendedState, awsAccountId, awsAccountRegion,
                            eventSourceSuffix, eventFilter, and takes the rest from the default; detail is the
                            reported state's explanation, activatingFor the seconds of ACTIVATING before its state
GET  /_sim/help             this text
"""
