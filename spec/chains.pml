/* A job that waits for others under other locks (libs/coordination: clients/followers), for the model checker Spin.
 *
 * Two jobs run, each under a lock of its own, and end well or not at any moment. A publisher submits a follower of both;
 * a projector takes each job that has ended off the active ones. Every atomic block is one transaction, or one read,
 * in one partition: nothing spans two.
 *
 * Rules, as the code's comments name them:
 *   C1  follower first     the follower is written, without a ticket, before any job gets a note of it
 *   C2  note, then look    a note is refused where the job has ended, or the end is looked for once more after it
 *   C3  settle, then off   a job that has notes is taken off the active ones after its followers are settled
 *   C4  at the version     a follower is settled at the version read; its ticket comes with the last completion
 *   C5  waits, is active   a follower that waits is active, and the sweeper compares it with those that it waits for
 *
 * Asserted: E1 the follower starts only when both have completed; E2 it gets one ticket; E3 when nothing more can happen,
 * it does not wait; E4 it does not start once it was cancelled. Switches: FLAGGED both jobs have another follower already, CRASH the publisher and the projector may
 * die at any moment (the projector begins again), OLD a projector of an earlier release, CANCEL somebody cancels it,
 * UNSWEPT there is no sweeper.
 */
#define P 2
#define NONE 0
#define WELL 1
#define ILL 2

#define ABSENT 0
#define WAITS 1
#define IN_LINE 2
#define STARTED 3
#define OVER 4

byte ended[P];           /* how each job has ended */
bit named[P];            /* the job's row says that it has followers */
bit noted[P];            /* the note of our follower */
bit retired[P];
bit awaits[P];           /* the follower's row: for which it waits */
byte follower, tickets;
bit is_cancelled;        /* the follower, while it waited */

#ifdef CRASH
#define MAY_CRASH :: goto dead
#else
#define MAY_CRASH
#endif

inline settle(p) {       /* C4: one transaction, at the version of the follower's row */
  atomic {
    if
#ifdef M_UNVERSIONED
    :: follower != ABSENT && awaits[p] ->        /* mutant of C4: whatever has become of it */
#else
    :: follower == WAITS && awaits[p] ->
#endif
       if
       :: ended[p] == WELL ->
#ifdef M_FIRST
          awaits[0] = 0; awaits[1] = 0;          /* mutant of C4: the first completion releases it */
#else
          awaits[p] = 0;
#endif
          if :: !awaits[0] && !awaits[1] -> follower = IN_LINE; tickets++; assert(tickets == 1)        /* E2 */
          :: else fi
       :: else -> follower = OVER
       fi
    :: else
    fi }
}

inline write_note(p) {   /* C2 */
#ifdef M_BLIND_NOTE
  atomic { noted[p] = 1; named[p] = 1; seen = NONE }                     /* mutant of C2 */
#else
  if
  :: atomic { !named[p] && ended[p] == NONE -> noted[p] = 1; named[p] = 1; seen = NONE }
  :: atomic { ended[p] != NONE -> seen = ended[p] }
  :: atomic { named[p] && ended[p] == NONE -> noted[p] = 1 }; seen = ended[p]
  fi
#endif
}

active proctype Publisher() {
  byte p, seen;
  bit first, second;
  first = ended[0] != WELL;                      /* two reads, apart from each other */
  second = ended[1] != WELL;
#ifndef M_NOTE_FIRST
  atomic {                                       /* C1 */
    awaits[0] = first; awaits[1] = second;
    if :: first || second -> follower = WAITS :: else -> follower = IN_LINE; tickets++ fi };
#endif
  p = 0;
  do
  MAY_CRASH
  :: p < P && !(p == 0 -> first : second) -> p++
  :: p < P && (p == 0 -> first : second) ->
     write_note(p);
     if
     MAY_CRASH
     :: seen != NONE -> settle(p)
     :: seen == NONE
     fi;
     p++
  :: p == P -> break
  od;
#ifdef M_NOTE_FIRST
  atomic {                                       /* mutant of C1 */
    awaits[0] = first; awaits[1] = second;
    if :: first || second -> follower = WAITS :: else -> follower = IN_LINE; tickets++ fi };
#endif
dead:
  skip
}

proctype Holder(byte p) {
  bit knows;
  atomic { ended[p] == NONE -> if :: ended[p] = WELL :: ended[p] = ILL fi; knows = named[p] };
again:                                           /* the projector: as the last event's row says */
  if
#ifdef CRASH
  :: goto again                                  /* it dies, and its message comes again */
#endif
#ifndef OLD
  :: knows && noted[p] ->
#ifdef M_OFF_FIRST
     retired[p] = 1;                             /* mutant of C3 */
     if :: skip :: goto gone fi;
#endif
     settle(p)                                   /* C3 */
  :: !(knows && noted[p])
#else
  :: skip
#endif
  fi;
  retired[p] = 1;
gone:
  skip
}

#ifdef CANCEL
active proctype Caller() {
  if :: atomic { follower == WAITS -> follower = OVER; is_cancelled = 1 } :: skip fi
}
#endif

active proctype Worker() {
end:
  atomic { follower == IN_LINE ->
    follower = STARTED;
    assert(ended[0] == WELL && ended[1] == WELL);                        /* E1 */
    assert(!is_cancelled) }                                              /* E4 */
}

#ifndef UNSWEPT
active proctype Sweeper() {                      /* C5 */
end:
  do
  :: atomic { follower == WAITS && awaits[0] && ended[0] != NONE -> skip }; settle(0)
  :: atomic { follower == WAITS && awaits[1] && ended[1] != NONE -> skip }; settle(1)
  od
}
#endif

active proctype Monitor() {
  timeout -> assert(follower != WAITS)                                   /* E3 */
}

init {
  atomic {
#ifdef FLAGGED
    named[0] = 1; named[1] = 1;
#endif
    run Holder(0); run Holder(1) }
}
