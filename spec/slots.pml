/* Several slots of one lock (libs/coordination), for the model checker Spin.
 *
 * Two slots, W workers, J jobs, and one who changes the limit between 2 and 1. Slot 0 is open always; slot 1 is open
 * while the limit is 2. Each slot is held as spec/turnstile.pml says; how workers hear of work is left to that model,
 * and here they find a free slot with work by themselves. Every request to a store is a step of its own, a process may
 * stand still before any step, and a version (ETag) is one bit per reader, as there.
 *
 * Faults, each bounded by a MAX...: EXP a lease of a living holder runs out; CRASH a worker dies; LOST a transaction is
 * carried out and its answer lost; CHANGE changes of the limit. With -DOLD, worker 0 is of a release that knows slot 0
 * only.
 *
 * Rules, as the code's comments name them:
 *   S1  slot      each slot has a lease, a lock row and fences of its own; a holder's writes name its own row
 *   S2  line      all slots take from one line: the transaction that deletes the ticket has the job
 *   S3  open      a start in another slot than the first needs its row, open, at the version read
 *   S4  limit     one transaction records a limit and opens or closes the rows of all slots that it changes
 *   S5  closed    in a closed slot a take-over ends what was cut off, gives the ticket back, and starts nothing
 *   S6  own write who recognises an own write takes in what a new limit changed in the row since
 *   S7  find      a closed slot whose row names a run without holder has work, too
 * With -DRETRY, a failed attempt may be followed by another, for which its job waits outside the line (rules R26 and R27
 * of spec/turnstile.pml):
 *   S8  outside   whoever puts a ticket outside the line writes the row of slot 0, with its due time and the next number;
 *                 a later time, or none, is written in slot 0 only, by who read those tickets under the number of now
 *
 * Asserted: L1 no run starts in a slot that is closed at that moment; L2 two runs of one slot never overlap; L3 no job
 * runs in two slots, or again after its end; L4 no write of an older run after a newer start in its slot. No stuck job:
 * a worker may end only once every job has ended, so a stranded one is an invalid end state.
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
#ifndef MAXLOST
#define MAXLOST 0
#endif
#ifndef MAXCHANGE
#define MAXCHANGE 3
#endif

#ifndef MAXRETRY
#define MAXRETRY 1
#endif

#define NO 7
#define DEAD 3
#define Q 1
#define RUN 2
#define ENDED 3

byte st[J];              /* a job's row; it has a ticket while it is Q, and both share a version */
byte at[J];              /* the slot of its newest run */
byte lj[2] = NO;         /* lock row of each slot: job, tenure (worker + 1) */
byte lt[2];
bit closed;              /* lock row of slot 1 */
byte lease[2];           /* 0, worker + 1, DEAD */
bit lv[W * 2];           /* this worker's version of a slot's row is current */
bit jv[W * J];           /* ... of a job's row and ticket */
bit own[W];              /* the row of its slot carries the mark of its transaction whose answer was lost */
bit current[W];          /* ghost: its run is the one started last in its slot */
byte nexp, ncrash, nlost, nchange;
#ifdef RETRY
bit later[J];            /* it waits for its next attempt, which is not due */
bit apart[J];            /* its ticket stands outside the line */
bit hint;                /* lock row of slot 0: next_due */
bit nv[W];               /* this worker read the tickets outside the line under the number of now */
byte nretry;
#define WAITS(x) (st[x] == Q && !later[x] && (!apart[x] || hint))
#if J == 2
#define APART ((st[0] == Q && apart[0]) || (st[1] == Q && apart[1]))
#else
#define APART ((st[0] == Q && apart[0]) || (st[1] == Q && apart[1]) || (st[2] == Q && apart[2]))
#endif
#define FIRST_ROW (!rep || s == 0 || lv[me * 2])                                        /* S8 */
#else
#define WAITS(x) (st[x] == Q)
#define FIRST_ROW 1
#endif

#define LV lv[me * 2 + s]
#define JV(x) jv[me * J + (x)]
#if J == 2
#define HEAD (WAITS(0) -> 0 : (WAITS(1) -> 1 : NO))
#define ALLDONE (st[0] == ENDED && st[1] == ENDED)
#define SLOT_IS_FREE(x) ((st[0] != RUN || at[0] != s || (x) == 0) && (st[1] != RUN || at[1] != s || (x) == 1))
#else
#define HEAD (WAITS(0) -> 0 : (WAITS(1) -> 1 : (WAITS(2) -> 2 : NO)))
#define ALLDONE (st[0] == ENDED && st[1] == ENDED && st[2] == ENDED)
#define SLOT_IS_FREE(x) ((st[0] != RUN || at[0] != s || (x) == 0) && (st[1] != RUN || at[1] != s || (x) == 1) && (st[2] != RUN || at[2] != s || (x) == 2))
#endif
#define IS_CLOSED(k) ((k) == 1 && closed)
#ifdef M_CLOSED_LEFT
#define WORK(k) (!IS_CLOSED(k) && (lj[k] != NO || HEAD != NO))
#else
#define WORK(k) (lj[k] != NO || (!IS_CLOSED(k) && HEAD != NO))                          /* S7 */
#endif
#ifdef OLD
#define KNOWS(k) (me != 0 || (k) == 0)
#else
#define KNOWS(k) 1
#endif
#ifdef M_ONE_ROW
#define MY_ROW 1                                 /* mutant: a holder's write does not name its slot's row */
#else
#define MY_ROW LV                                /* S1 */
#endif
#ifdef M_TICKET
#define HAS_TICKET (n == NO || st[n] != ENDED)   /* mutant: the ticket is not deleted at its version */
#else
#define HAS_TICKET (n == NO || (JV(n) && st[n] == Q))                                   /* S2 */
#endif

inline row_changed(k) { lv[k] = 0; lv[2 + k] = 0; }

inline job_changed(x) {
  jv[x] = 0; jv[J + x] = 0
}

inline overtaken() {             /* a newer start in this slot */
  if :: lt[s] == 1 -> current[0] = 0; own[0] = 0 :: lt[s] == 2 -> current[1] = 0; own[1] = 0 :: else fi
}

#ifdef RETRY
inline put_outside(x) {          /* R26, R27, S8 */
  st[x] = Q; later[x] = 1; apart[x] = 1;
#ifdef M_OWN_TIME
  if :: s == 0 -> hint = 1; nv[0] = 0; nv[1] = 0; row_changed(0) :: else fi
#else
#ifdef M_UNSEEN
  if :: s == 0 || !hint -> hint = 1; nv[0] = 0; nv[1] = 0; row_changed(0) :: else fi
#else
  hint = 1; nv[0] = 0; nv[1] = 0; row_changed(0)
#endif
#endif
}

#ifdef M_OLD_READING
#define LATER_TIME hint = h      /* mutant: also by what was read before others put a ticket there */
#else
#define LATER_TIME if :: nv[me] -> hint = h :: else fi                                   /* S8 */
#endif
#endif

inline start(x) {
  assert(!IS_CLOSED(s));                                      /* L1 */
  assert(SLOT_IS_FREE(x));                                    /* L2 */
  assert(st[x] == Q || (st[x] == RUN && at[x] == s));         /* L3 */
#ifdef RETRY
  assert(!later[x]); apart[x] = 0;                            /* R26 */
#endif
  st[x] = RUN; at[x] = s; lj[s] = x; job_changed(x)
}

inline let_go() {
  if :: lt[s] == me + 1 -> lt[s] = DEAD :: else fi;
  LV = 0; own[me] = 0; current[me] = 0; JV(0) = 0; JV(1) = 0;
#if J == 3
  JV(2) = 0;
#endif
#ifdef RETRY
  rep = 0; h = 0;
#endif
  lv[me * 2] = 0; j = NO; o = NO; n = NO; is_open = 0; s = 0
}

#define CRASH :: atomic { ncrash < MAXCRASH -> ncrash++; goto crashed }

proctype Worker(byte me) {
  byte s, j = NO, o = NO, n = NO; bit is_open;
#ifdef RETRY
  bit rep, h;                    /* the attempt has failed; whether a ticket stands outside the line, as it was read */
#endif

idle:
  if
  :: atomic { ALLDONE -> goto quit }
  :: atomic { lease[0] == 0 && WORK(0) -> s = 0; lease[0] = me + 1 }                     /* S1 */
  :: atomic { KNOWS(1) && lease[1] == 0 && WORK(1) -> s = 1; lease[1] = me + 1 }
  fi;
  if
  :: atomic { LV = 1; o = lj[s]; is_open = !IS_CLOSED(s) }                               /* S3: the row says it */
  CRASH
  fi;
#ifdef RETRY
outside:
  nv[me] = 1;                                                                            /* its number */
  h = APART;
  atomic {                                       /* the line, and slot 0 in it; if the number is another, once more */
    if :: !nv[me] -> goto outside :: else fi;
    if :: s == 0 -> LV = 1; o = lj[s] :: else fi;
    n = (is_open -> HEAD : NO); if :: n != NO -> JV(n) = 1 :: else fi };
#else
  atomic { n = (is_open -> HEAD : NO); if :: n != NO -> JV(n) = 1 :: else fi };
#endif
  atomic { if :: o != NO -> JV(o) = 1; if :: st[o] != RUN -> goto leave :: else fi :: else fi };
  if
  :: atomic { n == NO && o == NO -> goto leave }
  :: atomic { (n != NO || o != NO) && MY_ROW && (o == NO || JV(o)) && HAS_TICKET ->      /* S1, S2, S3 */
       overtaken(); row_changed(s); lt[s] = me + 1; lj[s] = NO; current[me] = 1;
#ifdef RETRY
       if :: s == 0 -> LATER_TIME :: else fi;
#endif
       if
       :: o != NO ->
          assert(at[o] == s);                                 /* a row names no run of another slot */
          if
#ifdef M_RESTART_CLOSED
          :: n == NO || o < n -> start(o); j = o
#else
          :: is_open && (n == NO || o < n) -> start(o); j = o
#endif
          :: else -> st[o] = Q; job_changed(o)                                           /* S5 */
          fi
       :: else
       fi;
       if :: j == NO && n != NO -> start(n); j = n :: else fi;
       o = NO; n = NO;
       if
       :: LV = 1; if :: j != NO -> JV(j) = 1 :: else -> goto leave fi; goto work
       :: nlost < MAXLOST -> nlost++; own[me] = 1; goto unknown
       fi }
  :: atomic { (n != NO || o != NO) && !(MY_ROW && (o == NO || JV(o)) && HAS_TICKET) -> goto leave }
  CRASH
  fi;

work:
  if
  :: atomic { MY_ROW && JV(j) -> assert(current[me]);                                    /* a step; L4 */
       assert(st[j] == RUN && at[j] == s);
       row_changed(s); job_changed(j); JV(j) = 1;
       if :: LV = 1; goto ending :: nlost < MAXLOST -> nlost++; own[me] = 1; goto unknown fi }
  :: atomic { !(MY_ROW && JV(j)) -> goto again }
  :: goto ending
  CRASH
  fi;
unknown:                                         /* refused, and its mark stands there: it was carried out */
  if
  :: atomic { own[me] -> own[me] = 0; LV = 1;
#ifndef M_STALE_LIMIT
       is_open = !IS_CLOSED(s);                                                          /* S6 */
#endif
       if :: j == NO -> goto leave :: else -> JV(j) = 1; goto ending fi }
  :: atomic { !own[me] -> goto leave }
  CRASH
  fi;
again:                                           /* refused: continue only while the row names this run */
  if
  :: atomic { lt[s] == me + 1 && lj[s] == j && st[j] == RUN ->
       LV = 1; JV(j) = 1; is_open = !IS_CLOSED(s); goto ending }
  :: atomic { !(lt[s] == me + 1 && lj[s] == j && st[j] == RUN) -> goto leave }
  CRASH
  fi;

ending:
#ifdef RETRY
  atomic { if :: !rep && nretry < MAXRETRY -> nretry++; rep = 1 :: skip fi };
  if
  :: rep && s == 1 -> lv[me * 2] = 1                                                     /* S8: the row of slot 0 */
  :: else
  fi;
  if
  :: skip
  :: atomic { s == 0 -> nv[me] = 1 }; h = APART; atomic { if :: !nv[me] -> goto ending :: else fi }
  fi;
#endif
  if
  :: n = NO
  :: atomic { n = (is_open -> HEAD : NO); if :: n != NO -> JV(n) = 1 :: else fi }         /* S3 */
  CRASH
  fi;
  if
  :: atomic { MY_ROW && JV(j) && HAS_TICKET && FIRST_ROW -> assert(current[me]);         /* L4 */
       assert(st[j] == RUN && at[j] == s);                    /* L3 */
       st[j] = ENDED; lj[s] = NO; job_changed(j); row_changed(s);
#ifdef RETRY
       if :: s == 0 -> LATER_TIME :: else fi;
       if :: rep -> put_outside(j) :: else fi;
       rep = 0;
#endif
       j = n;
       if :: n != NO -> start(n) :: else fi;
       n = NO;
       if
       :: LV = 1; if :: j != NO -> JV(j) = 1; goto work :: else -> goto leave fi
       :: nlost < MAXLOST -> nlost++; own[me] = 1; goto unknown
       fi }
  :: atomic { !(MY_ROW && JV(j) && HAS_TICKET && FIRST_ROW) -> n = NO; goto again }
  CRASH
  fi;

leave:
  atomic { if :: lease[s] == me + 1 -> lease[s] = 0 :: else fi; let_go(); goto idle };
crashed:
  atomic { if :: lease[s] == me + 1 -> lease[s] = DEAD :: else fi; let_go(); goto idle };
quit: skip
}

active proctype Limit() {                        /* S4: the rows at the versions read, so it is one step */
end: do
  :: atomic { nchange < MAXCHANGE && !ALLDONE -> nchange++; closed = 1 - closed;
#ifndef M_LIMIT_APART
       row_changed(1)
#endif
     }
  od
}

active proctype World() {
end: do
#ifdef RETRY
  :: atomic { later[0] -> later[0] = 0 }         /* it is due */
  :: atomic { later[1] -> later[1] = 0 }
#if J == 3
  :: atomic { later[2] -> later[2] = 0 }
#endif
#endif
  :: atomic { lease[0] == DEAD -> lease[0] = 0 }
  :: atomic { lease[1] == DEAD -> lease[1] = 0 }
  :: atomic { lease[0] != 0 && lease[0] != DEAD && nexp < MAXEXP -> nexp++; lease[0] = 0 }
  :: atomic { lease[1] != 0 && lease[1] != DEAD && nexp < MAXEXP -> nexp++; lease[1] = 0 }
  od
}

init { atomic { st[0] = Q; st[1] = Q;
#if J == 3
  st[2] = Q;
#endif
  run Worker(0); run Worker(1) } }
