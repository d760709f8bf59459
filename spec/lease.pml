/* The times of one lease (libs/coordination: keeper, times), for the model checker Spin.
 *
 * W workers try for one lease, in ticks of a clock that all can measure but do not share. A request takes any
 * time to reach the store and its answer any time to come back; a supervisor may stand still at any moment, and
 * be slow to begin. What is not slow is the deadline enforcer, which kills a runner at its hard deadline.
 *
 * Rules, as the code's comments name them:
 *   T1  from the request   deadlines count from before the request was sent that granted the time
 *   T2  hard deadline      it lies before the lease's end, and the runner is dead by then, whichever process stands still
 *
 * Asserted: E1 while a runner lives its worker has the lease, so that no two live at once. Bound: RENEWALS in a
 * tenure; tenures are unbounded.
 */
#define W 2
#ifndef RENEWALS
#define RENEWALS 2
#endif
#define DURATION 6
#define HARD 4
#define OLD 8            /* older than anything that matters */

byte holder, left;       /* the store: worker + 1, ticks left */
byte age[W];             /* ticks since the request was sent, or since its answer came */
byte until[W];           /* ticks until the hard deadline */
bit alive[W];            /* the runner */
bit asks[W];             /* a request is under way */

#define GRANTED(w) (HARD > age[w] -> HARD - age[w] : 0)

inline answered() {
#ifdef M_FROM_ANSWER
  until[me] = HARD;                              /* mutant of T1 */
#else
  until[me] = GRANTED(me);                       /* T1 */
#endif
  age[me] = 0; asks[me] = 0
}

proctype Supervisor(byte me) {
  byte renewals; bit granted;
end:
idle:
  atomic { holder == 0 -> asks[me] = 1; age[me] = 0 };
  if                                             /* the store decides */
  :: atomic { holder == 0 -> holder = me + 1; left = DURATION }
  :: atomic { holder != 0 -> asks[me] = 0; age[me] = 0; goto idle }
  fi;
  atomic { answered(); if :: until[me] > 0 -> alive[me] = 1 :: else -> goto over fi };
holding:
  if
  :: atomic { renewals < RENEWALS -> renewals++; asks[me] = 1; age[me] = 0 }
  :: goto over                                   /* the job ends */
  fi;
  if                                             /* the store decides */
  :: atomic { holder == me + 1 -> left = DURATION; granted = 1 }
  :: atomic { holder != me + 1 -> granted = 0 }
  fi;
  atomic {
    if
    :: !granted -> asks[me] = 0; age[me] = 0; goto over
    :: granted && alive[me] -> granted = 0; answered()         /* too late a success revives nothing */
    :: else -> granted = 0; asks[me] = 0; age[me] = 0; goto over
    fi };
  goto holding;
over:                                            /* the runner is at rest, or dead, before the lease is given back */
  atomic { alive[me] = 0; until[me] = 0; renewals = 0 };
  atomic { if :: holder == me + 1 -> holder = 0; left = 0 :: else fi; goto idle }
}

#ifdef M_NO_GUILLOTINE
#define OVERDUE(w) 0                             /* mutant of T2: only its supervisor would kill it */
#else
#define OVERDUE(w) (alive[w] && until[w] == 0)
#endif
#define LATER(w) if :: asks[w] && age[w] < OLD -> age[w]++ :: else fi; if :: until[w] > 0 -> until[w]-- :: else fi

active proctype Clock() {
end: do
  :: atomic { OVERDUE(0) -> alive[0] = 0 }                                            /* T2 */
  :: atomic { OVERDUE(1) -> alive[1] = 0 }
  :: atomic { !OVERDUE(0) && !OVERDUE(1) ->      /* a tick */
       LATER(0); LATER(1);
       if :: left > 0 -> left--; if :: left == 0 -> holder = 0 :: else fi :: else fi;
       assert(!alive[0] || holder == 1);                      /* E1 */
       assert(!alive[1] || holder == 2) }
  od
}

init { atomic { run Supervisor(0); run Supervisor(1) } }
