/* The single-job protocol as libs/coordination carries it out, for the model checker Spin.
 *
 * One lock; W workers; J jobs, of which the lower number comes first in line (job 1 is submitted before job 0, so
 * that a late job overtakes). Every request to a store is a step of its own. A process may stand still before any
 * step for any time: so pauses, slow answers and wrong clocks need no rules, and nothing here trusts a clock.
 * A version (ETag) is one bit per reader: whether the version it knows is still the row's.
 *
 * Faults, each bounded by a MAX...: EXP a lease of a living holder runs out; CRASH a supervisor dies; DIED a runner dies;
 * STOP a worker is asked to stop; LOST a transaction is carried out and its answer lost; LATE a transaction whose
 * sender has crashed or given up lands later; CUT a holder gives up, as its time is over or the tables do not
 * answer; API cancellations; NONOTIFY a publisher dies between its transaction and the wakeup.
 *
 * Rules, as the code's comments name them:
 *   R1  lease          only one has the lease; it may run out under its holder, who need not notice
 *   R2  line           lock row, tickets and the job cut off are read one after the other, no snapshot
 *   R3  take over      one transaction moves the fence, ends the run that was cut off, and starts the next job
 *   R4  lock row       every write of a holder is conditional on the lock row it moved last
 *   R5  same again     an unknown outcome is answered by the identical request
 *   R6  own write      refused, and my mark stands there: it was carried out; what stands there is taken in
 *   R7  read again     refused otherwise: continue only while lock row and job still name this run
 *   R8  end            one transaction ends a run and starts the next, whose ticket vouches for its row; the ticket
 *                      may have been read with the take-over, if it is unchanged
 *   R9  cut off        a job cut off gets its ticket back, or its terminal record, in the same transaction
 *   R10 look           a holder takes in what others wrote to its job
 *   R11 leave          for any reason: release, then look at the line once more
 *   R12 known          a wakeup for a lock served here is dropped; while the last look is under way it asks for another
 *   R13 held           the first wakeup of a lock that is held starts a watch and sends a deferred copy round
 *   R14 watch          a watch tries for the lock until it was got or the line is empty and no wakeup came in the meantime
 *   R15 copy           a deferred copy that meets a held lock goes round again
 *   R16 fenced         who is refused, too late or cut off writes nothing more, and leaves
 *   R17 stop           a worker that stops interrupts its run and notifies the others of what it leaves
 *   R18 sweep          the workers are notified of a lock with work and no holder
 *   R19 submit         job, ticket and first event are inserted together; a row that exists refuses them
 *   R20 cancel waiting job row and ticket change together, at the versions read; likewise when a job expires
 *   R21 cancel running only a request, in the job's row; the lock row is the holder's
 *   R22 tombstone      an id without a job is closed by an insert, which a job's row refuses
 *   R23 one writer     a late write of one run is refused once the next has started
 *   R24 event          an event is inserted under the next number, never written over another
 *   R25 search         while no wakeup can arrive, a worker tries for a lock that has work and no holder
 * With -DRETRY, a failed attempt may be followed by another:
 *   R26 try again      one transaction ends the run and puts the ticket back with its due time; not if asked to cancel
 *   R27 next due       a ticket that others may pass stands outside the line; the lock row says when one may be due, and
 *                      a number that rises with each: they are read before the line, and again if the number is another
 *   R28 hold place     with -DHOLDPLACE the ticket stays in the line, and no job behind it starts until it is due
 * With -DAWAY, the broker is away from the beginning to the end: no wakeup and no copy ever arrives, and no sweeper helps.
 * With -DHOLD, promised and not built yet: a job that waits for a third party.
 *   H1  hold           the lock row names it and no other job starts, while that job waits and is not overdue
 *   H2  callback       changes the job's row and ticket like any other writer, and notifies
 *   H3  overdue        the next take-over writes TimedOut, at the version read
 *
 * Asserted: P1 no write of an older fence after a newer Started; P2 journaled runs do not overlap; P3 at most one
 * terminal record; P4 a step is recorded once in an attempt; P5 events are numbered without gap or double;
 * P6 who looks and finds the version it knows has read all there is; P7 an answer given to an API's caller is true;
 * P8 no job starts while another holds the lock; P9 none starts before it is due, or behind one that holds its place. No stuck job: an idle process may end only once every accepted job
 * is terminal, so a stuck one is an invalid end state; with -DLTL also `live`, under weak fairness.
 *
 * Left out: several locks and capacity (what a lock does depends on no other), unknown kinds, the projector, the
 * limits of deaths and losses (a job at its limit ends as a cancelled one does), progress (as a step, no event).
 */
#ifndef J
#define J 2
#endif
#define W 2
#ifndef MAXEXP
#define MAXEXP 0
#endif
#ifndef MAXCRASH
#define MAXCRASH 0
#endif
#ifndef MAXDIED
#define MAXDIED 0
#endif
#ifndef MAXSTOP
#define MAXSTOP 0
#endif
#ifndef MAXLOST
#define MAXLOST 0
#endif
#ifndef MAXLATE
#define MAXLATE 0
#endif
#ifndef MAXCUT
#define MAXCUT 0
#endif
#ifndef MAXAPI
#define MAXAPI 0
#endif
#ifndef MAXNONOTIFY
#define MAXNONOTIFY 0
#endif
#ifndef MAXWAKEUP
#define MAXWAKEUP 2
#endif

#define NO 7
#define DEAD 3          /* a lease, or a tenure in the lock row, whose owner is gone */
/* job rows */
#define ABSENT 0
#define Q 1
#define RUN 2
#define EXTERNAL 3
#define TERMINAL 4
#define TOMBSTONE 5
/* wakeups */
#define PLAIN 1
#define DEFERRED 2
/* transactions */
#define TAKE 1
#define STEP 2
#define END 3

byte st[J];             /* the job's row */
bit tk[J];              /* its ticket exists; row and ticket change together and share a version */
bit asked[J];           /* cancel_requested */
byte lj = NO, lt;       /* lock row: job, tenure (worker + 1) */
byte lease;             /* 0, worker + 1, DEAD */
bit lv[W];              /* this worker's version of the lock row is current */
bit jv[W * J];          /* ... of the job's row and ticket */
bit js[W];              /* ... its copy of its job's row has the number of the last event */
bit own[W];             /* the lock row carries the mark of its transaction whose answer was lost */
byte wakeups, copies;     /* plain wakeups in the queue; deferred copies, in the queue or the delay queue */
byte wakeup[W];           /* delivered, not yet acknowledged */
bit serving[W], watch[W];
byte notified[W];           /* 1 since the last look at the line began, 2 once a wakeup was dropped since */
byte zk, zj = NO, zo = NO, zn = NO; bit zc, zi;  /* a late transaction, and whether its versions are current */
byte nexp, ncrash, ndied, nstop, nlost, nlate, ncut, napi, nnonotify;
byte submitted;         /* jobs that the publishers are through with */
bit current[W];         /* ghost: this worker's run is the one Started last */
#ifdef IDS
bit accepted;           /* a caller got the answer that job 0 is there */
#endif
bit zcurrent, stepped;
byte ccur, cx = NO;     /* the canceller's version, and of which job */
#ifdef ONLY_NOTICED
bit noticed;
#endif
#ifdef RETRY
#ifndef MAXRETRY
#define MAXRETRY 1
#endif
bit later[J];           /* it waits for its next attempt, which is not due */
bit apart[J];           /* its ticket stands outside the line */
bit hint;               /* lock row: next_due */
bit nv[2];              /* this worker read the tickets outside the line under the number of now */
bit zagain, zh;
byte nretry;
#define APART ((tk[0] && apart[0]) || (tk[LAST] && apart[LAST]))
#ifdef HOLDPLACE
#define PASSED(x) 0
#define IN_FRONT(x) ((x) > 0 && tk[0] && later[0])     /* one that holds its place, and is not due */
#else
#define PASSED(x) (later[x] || (apart[x] && !hint))
#define IN_FRONT(x) 0
#endif
#define WAITS(x) (tk[x] && !PASSED(x))
#define MAY_START(x) (WAITS(x) && !later[x])
#define TRY_AGAIN again
#else
#define WAITS(x) tk[x]
#define MAY_START(x) tk[x]
#define IN_FRONT(x) 0
#define TRY_AGAIN 0
#endif
#ifdef HOLD
byte hold = NO;         /* lock row: hold_job */
bit overdue;            /* hold_until has passed */
bit waited, called, hcur, calling;   /* job 0 has waited; the third party's answer; its version of job 0 */
#endif

#define JV(x) jv[me * J + (x)]
#define LAST (J - 1)
#ifdef IDS
#define OVER(x) (st[x] == TERMINAL || (!accepted && st[x] != Q && st[x] != RUN))
#else
#define OVER(x) (st[x] == TERMINAL)
#endif
#if J == 2
#define FIRST (WAITS(0) -> 0 : (WAITS(1) -> 1 : NO))
#define ALLDONE (submitted == J && OVER(0) && OVER(1))
#define FORGET_ROW(x) jv[x] = 0; jv[J + x] = 0
#define NO_OTHER(x) (st[1 - (x)] != RUN)
#define FORGET_ALL jv[me * J] = 0; jv[me * J + 1] = 0
#else
#define FIRST (WAITS(0) -> 0 : (WAITS(1) -> 1 : (WAITS(2) -> 2 : NO)))
#define ALLDONE (submitted == J && OVER(0) && OVER(1) && OVER(2))
#define FORGET_ROW(x) jv[x] = 0; jv[J + x] = 0
#define NO_OTHER(x) ((st[0] != RUN || (x) == 0) && (st[1] != RUN || (x) == 1) && (st[2] != RUN || (x) == 2))
#define FORGET_ALL jv[me * J] = 0; jv[me * J + 1] = 0; jv[me * J + 2] = 0
#endif
#ifdef HOLDPLACE
#ifdef M_PASSED
#define HEAD ((FIRST != NO && tk[FIRST] && later[FIRST]) -> (tk[LAST] -> LAST : NO) : FIRST)
#else
#define HEAD ((FIRST != NO && later[FIRST]) -> NO : FIRST)
#endif
#else
#define HEAD FIRST
#endif
#ifdef HOLD
#define BLOCKED(x) (hold != NO && hold != (x) && !overdue && (st[hold] == EXTERNAL || st[hold] == Q))
#define EXPIRED (hold != NO && overdue && st[hold] == EXTERNAL)
#ifdef M_HOLD_IGNORED
#define NEXT HEAD
#else
#ifdef M_HOLD_FOREVER
#define NEXT (hold == NO -> HEAD : (tk[hold] -> hold : NO))
#else
#define NEXT ((HEAD != NO && BLOCKED(HEAD)) -> (tk[hold] -> hold : NO) : HEAD)
#endif
#endif
#define WORK (NEXT != NO || lj != NO || EXPIRED)
#define MAY_FOLLOW (!BLOCKED(LAST))              /* the holder wrote the lock row, and knows its hold */
#else
#define NEXT HEAD
#define WORK (HEAD != NO || lj != NO)
#define MAY_FOLLOW (!IN_FRONT(LAST))
#endif

/* --- what a transaction changes ------------------------------------------------------------------ */

inline row_changed(x) {            /* a new version; those who knew the old one know nothing */
  FORGET_ROW(x);
  if :: zj == x || zo == x || zn == x -> zc = 0 :: else fi;
  if :: cx == x -> ccur = 0 :: else fi;
#ifdef HOLD
  if :: x == 0 -> hcur = 0 :: else fi;
#endif
}

inline lock_changed() { lv[0] = 0; lv[1] = 0; own[0] = 0; own[1] = 0; zc = 0 }

inline event_of(x) {               /* the holder's copy lacks it, unless the holder wrote it (set afterwards) */
  if :: lj == x -> js[0] = 0; js[1] = 0 :: else fi
}

inline start(x) {                  /* Started: x runs under a new fence */
  assert(st[x] == Q || st[x] == RUN);                         /* P3: nothing terminal runs again */
  assert(NO_OTHER(x));                                        /* P2 */
#ifdef HOLD
  assert(!BLOCKED(x));                                        /* P8 */
  hold = NO; overdue = 0;
#endif
#ifdef RETRY
  assert(!asked[x]);                                          /* P3: its end was asked for */
  assert(!later[x]);                                          /* P9 */
  assert(!IN_FRONT(x));                                       /* P9 */
  apart[x] = 0;
#endif
  st[x] = RUN; tk[x] = 0; lj = x; row_changed(x);
  current[0] = 0; current[1] = 0; zcurrent = 0; stepped = 0
}

#ifdef RETRY
inline terminal(x) {                                          /* P3 */
  assert(st[x] != TERMINAL); st[x] = TERMINAL; asked[x] = 0; later[x] = 0; apart[x] = 0; row_changed(x)
}

inline put_back(x) {               /* R26, R27, R28 */
  st[x] = Q; tk[x] = 1; later[x] = 1; row_changed(x);
#ifndef HOLDPLACE
  apart[x] = 1;
#ifndef M_NO_NEXT_DUE
  hint = 1;
#endif
  nv[0] = 0; nv[1] = 0
#endif
}
#else
inline terminal(x) { assert(st[x] != TERMINAL); st[x] = TERMINAL; asked[x] = 0; row_changed(x) }   /* P3 */
#endif

inline cut_off(x) {                /* R9 */
  if
  :: asked[x] -> terminal(x)
  :: else -> st[x] = Q; row_changed(x);
#ifndef M_NO_TICKET_BACK
     tk[x] = 1
#endif
  fi
}

/* R3: end the run of o, if there is one, and start it again or n, whichever comes first. s: what was started. */
inline take_over(o, n, s, tenure, due, seen) {
  lock_changed(); lt = tenure; lj = NO; s = NO;
#ifdef RETRY
#ifdef M_FORGETS_DUE
  hint = 0;
#else
  hint = seen;                     /* R27: as it was read */
#endif
#endif
  current[0] = 0; current[1] = 0; zcurrent = 0;
  if
  :: o != NO ->
#ifndef M_SKIP_CUT_OFF
     assert(st[o] == RUN);
     if
     :: !asked[o] && (n == NO || o < n) -> start(o); s = o
     :: else -> cut_off(o)
     fi
#endif
  :: else
  fi;
#ifdef HOLD
  if :: due -> terminal(hold); hold = NO; overdue = 0; called = 1 :: else fi;         /* H3 */
#endif
  if :: s == NO && n != NO -> start(n); s = n :: else fi;
  if :: lj == NO -> lt = 0; stepped = 0 :: else fi
}

inline end_run(x, n, interrupted, external, repeat) {    /* R8 */
  assert(st[x] == RUN);                                       /* P2, P3 */
  lj = NO;
  if
  :: interrupted -> cut_off(x)
#ifdef RETRY
#ifdef M_AGAIN_THOUGH_ASKED
  :: !interrupted && repeat -> put_back(x)
#else
  :: !interrupted && repeat && !asked[x] -> put_back(x)
#endif
#endif
#ifdef HOLD
  :: !interrupted && external -> st[x] = EXTERNAL; hold = x; waited = 1; row_changed(x)    /* H1 */
#endif
  :: else -> terminal(x)
  fi;
  lock_changed();
  if :: n != NO -> start(n) :: else -> lt = 0; stepped = 0 fi
}

inline hear() { if :: notified[w] == 1 -> notified[w] = 2 :: else fi; w = 0 }

#ifdef RETRY
inline forget_late() { zk = 0; zj = NO; zo = NO; zn = NO; zc = 0; zi = 0; zcurrent = 0; zagain = 0; zh = 0 }
#define ZAGAIN zagain
#define ZH zh
#define SEEN h
#else
inline forget_late() { zk = 0; zj = NO; zo = NO; zn = NO; zc = 0; zi = 0; zcurrent = 0 }
#define ZAGAIN 0
#define ZH 0
#define SEEN 0
#endif

#ifdef AWAY
inline notify() { skip }
#else
inline notify() { if :: wakeups < MAXWAKEUP -> wakeups++ :: else fi }
#endif

/* --- whether a transaction is accepted ----------------------------------------------------------- */

#ifdef M_NO_FENCE
#define LV 1                                     /* mutant: the lock row's version is not asked */
#else
#define LV lv[me]                                /* R4 */
#endif
#ifdef TENURE_ONLY
#define MY_RUN (lt == me + 1)
#else
#define MY_RUN (lt == me + 1 && lj == j)         /* R7 */
#endif
#ifdef M_OVERWRITE
#define MINE 1                                   /* mutant: neither the job's version nor the event's number is asked */
#else
#define MINE (JV(j) && js[me])                   /* R24 */
#endif
#ifdef M_UNVOUCHED
#define VOUCHED 1                                /* mutant: the ticket is deleted in any version */
#else
#define VOUCHED (n == NO || (JV(n) && tk[n]))
#endif
#ifdef HOLD
#define HELD_AS_READ (!found || JV(hold))
#else
#define HELD_AS_READ 1
#endif
#ifdef M_OVERDUE_BLIND
#undef HELD_AS_READ
#define HELD_AS_READ 1
#endif
#ifdef M_SKIP_CUT_OFF
#define TAKE_OK (LV && VOUCHED)
#else
#define TAKE_OK (LV && (o == NO || JV(o)) && VOUCHED && HELD_AS_READ)
#endif

/* --- the worker ---------------------------------------------------------------------------------- */

#ifdef ONLY_NOTICED                              /* crashes only once a wakeup has met its lease */
#define MAY_CRASH (ncrash < MAXCRASH && noticed)
#else
#define MAY_CRASH (ncrash < MAXCRASH)
#endif
#define CRASH :: atomic { MAY_CRASH -> ncrash++; goto crashed }
#ifdef M_SILENT_STOP
#define STOP_NOTIFY skip                           /* mutant */
#else
#define STOP_NOTIFY notify()                         /* R17 */
#endif
#define CUT(where) :: atomic { ncut < MAXCUT -> ncut++; goto where }

inline sent_late(kind, oo, jj, nn, inter) {      /* the request is in the net; its sender is gone, or has given up */
#ifdef RETRY
  zagain = again; zh = h;
#endif
  nlate++; zk = kind; zo = oo; zj = jj; zn = nn; zi = inter; zc = 1; zcurrent = current[me]
}

inline let_go() {                                /* the tenure is over; its id is never used again */
  if :: lt == me + 1 -> lt = DEAD :: else fi;
#ifdef LATE_WRITE
  former = NO;
#endif
#ifdef RETRY
  again = 0; h = 0;
#endif
  lv[me] = 0; js[me] = 0; own[me] = 0; current[me] = 0; FORGET_ALL; j = NO; o = NO; n = NO; s = 0; found = 0; intr = 0; ext = 0
}

proctype Worker(byte me) {
#ifdef LATE_WRITE
  byte former = NO;
#endif
  byte j = NO, o = NO, n = NO, s; bit intr, ext, stopping, found;
#ifdef RETRY
  bit again, h;                    /* the attempt has failed; whether tickets outside the line were read */
#endif

idle:
  if
  :: atomic { ALLDONE -> goto quit }
  :: atomic { wakeups > 0 && !watch[me] -> wakeups--; wakeup[me] = PLAIN; serving[me] = 1 }
#ifndef AWAY
  :: atomic { copies > 0 -> copies--; wakeup[me] = DEFERRED; serving[me] = 1 }
#else
#ifndef M_NO_SEARCH
  :: atomic { !watch[me] && lease == 0 && WORK -> serving[me] = 1 }                   /* R25 */
#endif
#endif
  :: atomic { watch[me] && lease == 0 -> serving[me] = 1 }                            /* R14 */
  :: atomic { watch[me] && lease != 0 && !WORK -> notified[me] = 1; goto unwatch }
  :: atomic { watch[me] && nstop < MAXSTOP -> nstop++; watch[me] = 0; STOP_NOTIFY; goto idle }    /* R17 */
  :: atomic { watch[me] && MAY_CRASH -> ncrash++; goto crashed }
  fi;

acquire:                                                                              /* R1 */
  if
  :: atomic { lease == 0 -> lease = me + 1; watch[me] = 0;
#ifdef ONLY_NOTICED
       noticed = 0
#endif
     }
  :: atomic { lease != 0 ->
#ifdef ONLY_NOTICED
       if :: wakeup[me] != 0 -> noticed = 1 :: else fi;
#endif
#ifndef M_ACK
       if
       :: wakeup[me] == DEFERRED || (wakeup[me] == PLAIN && !watch[me]) ->                  /* R13, R15 */
          if :: copies == 0 -> copies++ :: else fi
       :: else
       fi;
#ifdef AWAY
       if :: watch[me] = 1 :: skip fi;           /* a search that finds the lock held begins no watch */
#else
       watch[me] = 1;
#endif
#endif
       wakeup[me] = 0; serving[me] = 0; goto idle }
  CRASH
  fi;

take:                                                                                 /* R2 */
#ifdef RETRY
  nv[me] = 1;                                    /* the number that the lock row says */
  h = APART;
#endif
  if
  :: atomic {
#ifdef RETRY
#ifndef M_NO_NUMBER
       if :: !nv[me] -> goto take :: else fi;                                         /* R27: one was put there since */
#endif
#endif
       lv[me] = 1; o = lj }
  CRASH
  CUT(leave)
  fi;
  atomic {
    n = NEXT;
    if :: n != NO -> JV(n) = 1 :: else fi;
    if :: MAY_START(LAST) -> JV(LAST) = 1 :: else fi;   /* a page of tickets is read */
#ifdef HOLD
    if :: EXPIRED -> JV(hold) = 1; found = 1 :: else -> found = 0 fi
#else
    found = 0
#endif
  };
  if
  :: atomic { o != NO -> JV(o) = 1; if :: st[o] != RUN -> goto leave :: else fi }     /* the lock has moved on */
  :: else
  fi;
  if
  :: atomic { n == NO && o == NO && !found -> goto leave }
  :: atomic { n != NO || o != NO || found -> skip }
  fi;
commit_take:                                                                          /* R3 */
  if
  :: atomic { TAKE_OK -> take_over(o, n, s, me + 1, found, SEEN);
       lv[me] = 0;
       if
       :: s != NO -> current[me] = 1; js[me] = 1
       :: else
       fi;
       o = NO; n = NO; j = s; s = 0; found = 0;
       if
       :: lv[me] = 1; if :: j != NO -> JV(j) = 1 :: else fi; goto taken
       :: nlost < MAXLOST -> nlost++; own[me] = 1
       fi }
  :: atomic { !(TAKE_OK) -> goto leave }                                              /* R16 */
  :: atomic { TAKE_OK && nlate < MAXLATE -> sent_late(TAKE, o, NO, n, found); if :: goto crashed :: goto leave fi }
  CRASH
  fi;
  if                                                                                  /* R5, R6 */
#ifndef M_NO_OWN
  :: atomic { own[me] -> own[me] = 0; lv[me] = 1;
       if
       :: j != NO -> JV(j) = 1;
#ifndef M_STALE_OWN
          js[me] = 1
#endif
       :: else
       fi }
  :: atomic { !own[me] -> goto leave }
#else
  :: goto leave
#endif
  CRASH
  fi;
taken:
  atomic { if :: j == NO -> goto leave :: else fi; wakeup[me] = 0 };

work:
  if
  :: atomic { LV && MINE ->                                                           /* a step; R4, R24 */
       assert(current[me]);                                   /* P1 */
       assert(st[j] == RUN);                                  /* P2 */
       assert(!stepped); stepped = 1;                         /* P4 */
       assert(js[me]);                                        /* P5 */
       lock_changed(); row_changed(j); event_of(j); js[me] = 1;
       if
       :: lv[me] = 1; JV(j) = 1; goto ending
       :: nlost < MAXLOST -> nlost++; own[me] = 1
       fi }
  :: atomic { !(LV && MINE) -> skip }
  :: atomic { LV && MINE && nlate < MAXLATE -> sent_late(STEP, NO, j, NO, 0); if :: goto crashed :: goto leave fi }
#ifdef LATE_WRITE
  :: atomic { former != NO ->                    /* a write of the run before comes only now; R23 */
#ifdef M_LATE_WRITE
       assert(former == j);                                   /* P2: it would be written for the wrong run */
#endif
       former = NO }
     goto work
#endif
#ifndef LTL                                      /* a handler ends some day */
  :: atomic { JV(j) -> assert(js[me]) }                                               /* R10; P6 */
     goto work
#endif
  :: atomic { ndied < MAXDIED -> ndied++; intr = 1; goto ending }
  :: atomic { nstop < MAXSTOP -> nstop++; stopping = 1; intr = 1; goto ending }       /* R17 */
  :: goto ending                                                                      /* a handler without a step */
  CRASH
  CUT(leave)
  fi;
  if                                                                                  /* refused, or repeated: R5, R6 */
#ifndef M_NO_OWN
  :: atomic { own[me] -> own[me] = 0; lv[me] = 1; JV(j) = 1;
#ifndef M_STALE_OWN
       js[me] = 1;
#endif
       goto ending }
  :: atomic { !own[me] -> skip }
#else
  :: atomic { own[me] = 0 }
#endif
  CRASH
  fi;
  if                                                                                  /* R7 */
#ifdef M_GO_ON
  :: atomic { lv[me] = 1 }
#else
  :: atomic { MY_RUN -> lv[me] = 1 }
  :: atomic { !MY_RUN -> goto leave }                                                 /* R16 */
#endif
  CRASH
  fi;
  atomic {
#ifndef M_GO_ON
    if :: st[j] != RUN -> goto leave :: else fi;
#endif
    JV(j) = 1; js[me] = 1; goto work };

ending:
#ifdef RETRY
  atomic {
    if
    :: !intr && !again && nretry < MAXRETRY -> nretry++; again = 1
    :: skip
    fi };
#endif
  if
  :: atomic { n = NO }                           /* an empty line is believed, or the run does not chain */
#ifdef HOLD
  :: atomic { !intr && !ext && !waited && j == 0 -> n = NO; ext = 1 }
#endif
  :: atomic { !intr && !ext -> n = NEXT; if :: n != NO -> JV(n) = 1 :: else fi }
  :: atomic { !intr && !ext && j != LAST && JV(LAST) && MAY_FOLLOW -> n = LAST }            /* R8: known from before */
  CRASH
  CUT(leave)
  fi;
#ifdef HOLDPLACE
#ifndef M_PASSED
  atomic { if :: again && n != NO && n > j -> n = NO :: else fi };                    /* R28 */
#endif
#endif
  if
  :: atomic { LV && MINE && VOUCHED ->                                                /* R8 */
       assert(current[me]);                                   /* P1 */
       assert(js[me]);                                        /* P5 */
       end_run(j, n, intr, ext, TRY_AGAIN);
#ifdef LATE_WRITE
       former = (n == NO -> NO : j);
#endif
       j = n; n = NO; intr = 0; ext = 0;
#ifdef RETRY
       again = 0;
#endif
       if :: j != NO -> current[me] = 1; js[me] = 1 :: else -> current[me] = 0; js[me] = 0 fi;
       if
       :: lv[me] = 1; if :: j != NO -> JV(j) = 1; goto work :: else -> goto leave fi
       :: nlost < MAXLOST -> nlost++; own[me] = 1; goto ended_unknown
       fi }
  :: atomic { !(LV && MINE && VOUCHED) -> skip }
  :: atomic { LV && MINE && VOUCHED && nlate < MAXLATE -> sent_late(END, NO, j, n, intr); if :: goto crashed :: goto leave fi }
  CRASH
  fi;
  n = NO;
  if                                                                                  /* R7 */
#ifdef M_GO_ON
  :: atomic { lv[me] = 1 }
#else
  :: atomic { MY_RUN -> lv[me] = 1 }
  :: atomic { !MY_RUN -> goto leave }                                                 /* R16 */
#endif
  CRASH
  fi;
  atomic {
#ifndef M_GO_ON
    if :: st[j] != RUN -> goto leave :: else fi;
#endif
    JV(j) = 1; js[me] = 1; goto ending };

ended_unknown:                                                                        /* R5, R6 */
  if
#ifndef M_NO_OWN
  :: atomic { own[me] && j == NO -> goto leave }
  :: atomic { own[me] && j != NO -> own[me] = 0; lv[me] = 1; JV(j) = 1;
#ifndef M_STALE_OWN
       js[me] = 1;
#endif
       goto work }
  :: atomic { !own[me] -> goto leave }                                                /* taken over since: R16 */
#else
  :: goto leave                                  /* the lock row names another run: fenced, though it is our own */
#endif
  CRASH
  fi;

leave:                                                                                /* R11 */
  if
  :: atomic { if :: lease == me + 1 -> lease = 0 :: else fi; let_go() }
  CRASH
  fi;
#ifdef M_NO_LOOK
  atomic { stopping = 0; wakeup[me] = 0; serving[me] = 0; goto idle };
#endif
look:
  if
  :: atomic { notified[me] = 1; found = WORK }
  CRASH
  :: atomic { ncut < MAXCUT -> ncut++; watch[me] = 1;                                 /* unknown: as if held */
       if :: wakeup[me] != 0 && copies == 0 -> copies++ :: else fi;
       wakeup[me] = 0; serving[me] = 0; stopping = 0; goto idle }
  fi;
  if
  :: atomic { found && stopping -> notified[me] = 0; stopping = 0; wakeup[me] = 0; serving[me] = 0; found = 0; STOP_NOTIFY; goto idle }
  :: atomic { found && !stopping -> notified[me] = 0; wakeup[me] = 0; found = 0; goto acquire }
#ifndef M_DEAF_LOOK
  :: atomic { !found && notified[me] == 2 -> goto look }                                  /* R12 */
  :: atomic { !found && notified[me] != 2 -> notified[me] = 0; stopping = 0; wakeup[me] = 0; serving[me] = 0; goto idle }
#else
  :: atomic { !found -> notified[me] = 0; stopping = 0; wakeup[me] = 0; serving[me] = 0; goto idle }
#endif
  CRASH
  fi;

unwatch:                                         /* the line was empty when the watch looked: R14 */
  atomic {
#ifndef M_DEAF_WATCH
    if :: notified[me] != 2 -> watch[me] = 0 :: else fi;
#else
    watch[me] = 0;
#endif
    notified[me] = 0; goto idle };

crashed:                                         /* kill -9: the broker gives the wakeup to another, the lease stays */
  atomic {
    if :: lease == me + 1 -> lease = DEAD :: else fi;
    if :: wakeup[me] == PLAIN -> notify() :: wakeup[me] == DEFERRED && copies == 0 -> copies++ :: else fi;
    wakeup[me] = 0; serving[me] = 0; watch[me] = 0; notified[me] = 0; stopping = 0;
    let_go(); goto idle };
quit: skip
}

/* --- everyone else ------------------------------------------------------------------------------- */

active proctype World() {
  byte s;
end: do
  :: atomic { lease == DEAD -> lease = 0 }                                            /* R1 */
#ifdef RETRY
  :: atomic { later[0] -> later[0] = 0 }                                              /* it is due */
  :: atomic { later[LAST] -> later[LAST] = 0 }
#endif
  :: atomic { lease != 0 && lease != DEAD && nexp < MAXEXP -> nexp++; lease = 0 }
  :: atomic { zk == TAKE -> if :: zc -> take_over(zo, zn, s, DEAD, zi, ZH); s = 0 :: else fi; forget_late() }
  :: atomic { zk == STEP ->
       if
       :: zc -> assert(zcurrent); assert(st[zj] == RUN); assert(!stepped); stepped = 1;
          lock_changed(); row_changed(zj); event_of(zj)
       :: else
       fi;
       forget_late() }
  :: atomic { zk == END ->
       if :: zc -> assert(zcurrent); end_run(zj, zn, zi, 0, ZAGAIN); current[0] = 0; current[1] = 0 :: else fi;
       forget_late() }
  od
}

active proctype Ears() {                         /* wakeups that meet a lock served (R12) or watched (R14) here */
  byte w;
end: do
  :: atomic { serving[0] && wakeup[0] == 0 && wakeups > 0 -> wakeups--; w = 0; hear() }
  :: atomic { serving[1] && wakeup[1] == 0 && wakeups > 0 -> wakeups--; w = 1; hear() }
  :: atomic { watch[0] && !serving[0] && wakeups > 0 -> wakeups--; w = 0; hear() }
  :: atomic { watch[1] && !serving[1] && wakeups > 0 -> wakeups--; w = 1; hear() }
  od
}

#ifdef SWEEP
active proctype Sweep() {                        /* R18 */
end: do
  :: atomic { wakeups == 0 && lease == 0 && WORK -> wakeups++ }
  od
}
#endif

#ifndef IDS
active proctype Publisher() {                    /* R19 */
  byte x;
  do
  :: atomic { submitted < J -> x = (submitted < 2 -> 1 - submitted : submitted); st[x] = Q; tk[x] = 1; row_changed(x) };
     if
     :: atomic { notify(); submitted++; x = 0 }
     :: atomic { nnonotify < MAXNONOTIFY -> nnonotify++; submitted++; x = 0 }
     fi
  :: submitted == J -> break
  od
}
#endif

#if MAXAPI > 0
#define CANCELLABLE(x) (st[x] != ABSENT && st[x] != TERMINAL && !asked[x])
active proctype Canceller() {
  bit waits;
end: do
  :: atomic { ALLDONE -> break }
  :: atomic { napi < MAXAPI && (CANCELLABLE(0) || CANCELLABLE(1)) -> napi++;
       if :: CANCELLABLE(0) -> cx = 0 :: CANCELLABLE(1) -> cx = 1 fi;
       ccur = 1; waits = (st[cx] != RUN) };
     do
     :: atomic { ccur ->
          if
          :: waits -> tk[cx] = 0; terminal(cx)                                        /* R20 */
          :: else -> asked[cx] = 1; row_changed(cx); event_of(cx)                     /* R21 */
          fi;
          if :: waits = 0; cx = NO; break :: nlost < MAXLOST -> nlost++ fi }
#ifdef M_NO_OWN
          assert(!waits);                        /* P7: it says too late about a job it cancelled itself */
#endif
          atomic { waits = 0; cx = NO; break }                                        /* R5, R6: its event is there */
     :: atomic { !ccur ->
          if
          :: st[cx] == TERMINAL -> waits = 0; cx = NO; break                          /* too late */
          :: else -> ccur = 1; waits = (st[cx] != RUN)
          fi }
     od
  od
}
#endif

#ifdef IDS
/* One id submitted by two publishers at once, while the sweeper closes ids that have no job. */
bit registered;
byte writer = NO;                                /* whose insert made job 0's row */

proctype Client(byte me) {                       /* R19 */
  bit lost;
  if
  :: atomic { !registered -> registered = 1 }
  :: atomic { registered -> if :: st[0] == ABSENT -> skip :: else -> goto exists fi }
  :: goto quit                                   /* it dies, or its request does */
  fi;
write:
  if
  :: atomic { st[0] == ABSENT -> st[0] = Q; tk[0] = 1; writer = me; row_changed(0);
       if :: goto yes :: nlost < MAXLOST -> nlost++; lost = 1 :: goto quit fi }
  :: atomic { st[0] != ABSENT -> skip }
  :: goto quit
  fi;
#ifndef M_NO_OWN
  if
  :: atomic { writer == me -> goto yes }                                              /* R5, R6 */
  :: atomic { writer != me -> skip }
  fi;
#endif
exists:                                          /* "it is there, there is nothing to do" */
  atomic {
#ifndef M_EXISTS
    if :: st[0] == TOMBSTONE -> goto quit :: else fi;
#endif
#ifdef M_NO_OWN
    assert(!lost);                               /* P7: says that another was first */
#endif
    accepted = 1; goto quit };
yes:
  atomic { accepted = 1; notify() };
quit:
  submitted++
}

active proctype Closing() {                      /* R22 */
  bit absent;
end: do
  :: atomic { registered && st[0] == ABSENT && !absent -> absent = 1 }
  :: atomic { absent ->
#ifdef M_TOMBSTONE
       st[0] = TOMBSTONE; row_changed(0);
#else
       if :: st[0] == ABSENT -> st[0] = TOMBSTONE; row_changed(0) :: else fi;
#endif
       absent = 0 }
  od
}
#endif

#ifdef HOLD
active proctype ThirdParty() {                   /* H2; and time, which makes a wait overdue */
end: do
  :: atomic { hold != NO && st[hold] == EXTERNAL && !overdue -> overdue = 1 }
  :: atomic { !called && st[0] == EXTERNAL && !calling -> calling = 1; hcur = 1 }
  :: atomic { calling ->
       if
       :: hcur -> assert(st[0] == EXTERNAL); called = 1; st[0] = Q; tk[0] = 1; row_changed(0);
          if :: notify() :: nnonotify < MAXNONOTIFY -> nnonotify++ fi
       :: else
       fi;
       calling = 0; hcur = 0 }
  od
}
#endif

init {
  atomic {
#ifdef IDS
    st[1] = TERMINAL; run Worker(0); run Client(0); run Client(1)
#else
    run Worker(0); run Worker(1)
#endif
  }
}

#ifdef LTL
ltl live { <> (ALLDONE) }
#endif
