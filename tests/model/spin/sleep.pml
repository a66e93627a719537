/* Sleeping and waking: src/shm/waiters.cpp, with what send.cpp, receive.cpp and recovery.cpp do around it.
 *
 * Assumed: the locks are as lock.pml proves them (taken in one step when free; a death is told to the next owner).
 * SENDERS and RECEIVERS make one blocking call each on a queue of CAPACITY slots; up to CRASHES of them are killed, each at
 * any step. Messages are alike, so the queue is counts. CANCELS of the receivers may be cancelled while they sleep, also just
 * when they have been woken. Whom FUTEX_WAKE wakes is any sleeper.
 *
 * Proved: S1 (no LOOK_UP, no crash) nobody is asleep at the end who could go on; S2 (LOOK_UP, crashes) nobody is asleep who
 * could go on when nothing happens any more and everybody has looked up once since the last death.
 *
 * CANCEL_BY_COUNT  a cancelled sleeper leaves as if it were certain that it is still counted, as ~Registered() in
 *          waiters.cpp did once, and loses a wake-up (docs/proof.md)
 * LOOKS_ONLY  a look-up takes no lock, so that it repairs nothing
 * LOOK_UP  when nothing else can happen, everybody who sleeps looks up, and one of them once at any time
 * LATE     but only then */

#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#define ALL (SENDERS + RECEIVERS)

#define OUT 0 /* the senders' lock */
#define IN 1  /* the receivers' lock */
#define R 0   /* Side::receivers: out_.receivers, under OUT */
#define S 1   /* Side::senders: in_.senders, under IN */

byte owner[2];
bool died[2];
byte marked = 0;           /* slots whose mark is queued: the truth */
byte arrived = 0;          /* messages in the arrived ring or the index */
byte returned = CAPACITY;  /* free slots that a sender can find */
byte number[2];            /* Sleepers::word */
byte waiting[2];           /* Sleepers::waiting */
byte counted_from[2];      /* Sleepers::counted_from */
bool asleep[ALL + 1];      /* in a futex call on the word of its side */
bool killed[ALL + 1];
byte wanting[2];           /* who is inside a call on this side, and lives */
byte cancels = CANCELS;
bool expired[ALL + 1];     /* the 800 ms of a sleeper are over */
#ifdef LOOK_UP
bool calm = false;         /* everybody who sleeps has looked up since the last death */
#else
bool calm = true;
#endif
bool waits = false;        /* the killer, until something happens by itself no more */

#define SIDE(t) ((t) > SENDERS -> R : S)
#define COUNT(side) ((side) == R -> arrived : returned)

inline lock(which) { atomic { owner[which] == 0 -> owner[which] = me } }
inline unlock(which) { d_step { owner[which] = 0; died[which] = false } }

/* The kernel, over every sleeper of a side. */
inline futex_wake(side, most) {
  woken = 0;
  do
  :: woken < most && SIDE(1) == side && asleep[1] -> asleep[1] = false; woken++
  :: woken < most && SIDE(2) == side && asleep[2] -> asleep[2] = false; woken++
  :: woken < most && SIDE(3) == side && asleep[3] -> asleep[3] = false; woken++
  :: ALL > 3 && woken < most && SIDE(ALL) == side && asleep[ALL] -> asleep[ALL] = false; woken++
  :: else -> break
  od
}

/* wake_all() */
inline wake_all(side) {
  d_step { number[side]++; counted_from[side] = number[side] };
  waiting[side] = 0;
  atomic { futex_wake(side, ALL) }
}

/* wake(sleepers, 1) */
inline wake(side) {
  if
  :: waiting[side] == 0
  :: else ->
#ifndef WORD_STAYS
    number[side]++;
#endif
    atomic { futex_wake(side, 1) };
    if
    :: woken == 1 -> waiting[side]--
    :: else -> counted_from[side] = number[side]; waiting[side] = 0
    fi
  fi
}

/* recover(), for the counts: all that is derived is thrown away, then made anew. */
inline recover() {
  d_step { arrived = 0; returned = 0 };
  d_step { arrived = marked; returned = CAPACITY - marked };
  wake_all(R);
  wake_all(S)
}

/* Queue::lock_both() */
inline lock_both() {
  lock(OUT);
  lock(IN);
  if
  :: died[OUT] || died[IN] -> recover()
  :: else
  fi
}
inline unlock_both() {
  unlock(IN);
  unlock(OUT)
}

/* Queue::leave() */
inline leave() {
  if
  :: registered_at >= counted_from[side] && waiting[side] != 0 -> waiting[side]--
  :: else
  fi
}

/* send_small(), receive_now(): done tells whether it succeeded. */
inline attempt() {
  if
  :: side == S ->
    lock(OUT);                 /* lock_senders() */
    if
    :: died[OUT] -> lock(IN); recover(); unlock(IN)
    :: else
    fi;
    if
    :: returned > 0 ->
      returned--;              /* take_slot() */
      marked++;                /* commit(): the mark */
      arrived++;               /* commit(): the entry */
#ifdef WAKE_BEHIND
      unlock(OUT);
      wake(R);
#else
      wake(R);
      unlock(OUT);
#endif
      done = true
    :: else -> unlock(OUT)
    fi
  :: else ->
    do                         /* lock_receivers() */
    :: lock(IN);
      if
      :: died[IN] ->
        d_step { owner[IN] = 0 }; /* abandon_first() */
        lock_both();
        unlock_both()
      :: else -> break
      fi
    od;
    if
    :: arrived > 0 ->
      arrived--;               /* next_slot() */
      marked--;                /* free_slot(): the mark */
      returned++;              /* free_slot(): the entry */
      wake(S);
      unlock(IN);
      done = true
    :: else -> unlock(IN)
    fi
  fi
}

proctype call(byte me) {
  byte side = SIDE(me);
  byte registered_at = 0;
  byte woken = 0;
  bool done = false;
  bool was_woken = false;
  {
    do
    :: true ->
      attempt();
      if
      :: done -> break
      :: else
      fi;
      /* sleep() */
#ifdef ONE_LOCK
      if
      :: side == R -> lock(IN)
      :: else -> lock(OUT)
      fi;
#else
      lock_both();
#endif
#ifndef UNCHECKED
      if
      :: COUNT(side) > 0 -> unlock_both(); goto again
      :: else
      fi;
#endif
      waiting[side]++;
      registered_at = number[side];
#ifdef ONE_LOCK
      if
      :: side == R -> unlock(IN)
      :: else -> unlock(OUT)
      fi;
#else
      unlock_both();
#endif
wait_on:
      skip;
      d_step {
        was_woken = (number[side] == registered_at);
        asleep[me] = was_woken
      };
      if
      :: !was_woken -> goto changed
      :: else
      fi;
end_asleep:
      if
      :: !asleep[me] -> goto again /* woken, and taken off the count */
      :: atomic { side == R && cancels > 0 -> cancels--; asleep[me] = false }; goto cancelled
#ifdef LOOK_UP
      :: atomic { asleep[me] && expired[me] -> asleep[me] = false; expired[me] = false };
#ifdef LOOKS_ONLY
        if
        :: COUNT(side) == 0 -> goto wait_on
        :: else
        fi;
#endif
        lock_both();
        if
        :: COUNT(side) == 0 -> unlock_both(); goto wait_on
        :: else -> leave(); unlock_both(); goto again
        fi
#endif
      fi;
changed:
      lock_both();
      leave();
      unlock_both();
again:
      skip;
      d_step { registered_at = 0; was_woken = false; woken = 0 }
    od;
    goto out;
cancelled: /* ~Registered() */
    lock_both();
#ifdef CANCEL_BY_COUNT
    leave();
    if
    :: COUNT(side) > 0 -> wake(side)
    :: else
    fi;
#else
    wake_all(side);
#endif
    unlock_both();
out:
    skip
#if CRASHES > 0
  } unless { killed[me] };
#else
  };
#endif
  d_step {
    asleep[me] = false;
    expired[me] = false; /* the kernel's exit: what it holds is free, and says so */
    if
    :: owner[OUT] == me -> owner[OUT] = 0; died[OUT] = true
    :: else
    fi;
    if
    :: owner[IN] == me -> owner[IN] = 0; died[IN] = true
    :: else
    fi;
    wanting[side]--
  }
}

#if CRASHES > 0
active proctype killer() {
  byte crashes = 0;
  do
  :: crashes == CRASHES -> break
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[1] = true }
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[2] = true }
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[3] = true }
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[ALL] = true }
#ifdef LOOK_UP
  :: crashes < CRASHES && !waits -> waits = true; !waits /* for the next look-up */
#endif
  :: break
  od
}
#endif

#if defined(LOOK_UP) && !defined(LATE)
/* A look-up may come at any time: once. */
active proctype early() {
  d_step { expired[ALL] = true }
}
#endif

/* When nothing happens any more: nobody sleeps who could go on. With LOOK_UP everybody has looked up once since the last
 * death. */
active proctype monitor() {
  byte t = 0;
  do
  :: timeout ->
    d_step {
      if
      :: calm ->
        assert(!(marked > 0 && wanting[R] > 0));        /* S1, S2 */
        assert(!(marked < CAPACITY && wanting[S] > 0))  /* S1, S2 */
      :: else
      fi;
      if
      :: calm && !waits -> t = ALL + 1
      :: else ->
        for (t : 1 .. ALL) { expired[t] = asleep[t] };
        t = 0;
        calm = true;
        waits = false
      fi
    };
    if
    :: t > ALL -> break
    :: else
    fi
  od
}

init {
  atomic {
    byte t = 0;
    wanting[S] = SENDERS;
    wanting[R] = RECEIVERS;
    for (t : 1 .. ALL) { run call(t) }
  }
}

