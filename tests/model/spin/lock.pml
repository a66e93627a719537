/* The lock: src/os/linux/lock.cpp, step by step, with the processor's store buffers and the kernel's exit of a thread.
 *
 * Assumed: THREADS threads take one lock once each, the second of them ROUNDS times; up to CRASHES of them are killed, each at any step. A store waits in
 * its processor's buffer, in order, until the buffer is drained: by itself at some time, by an atomic exchange or a system
 * call of its own thread, or by another thread's membarrier. An owner who was told of a death may repair or abandon.
 * lock_slow() answers owner_slow to the first of them SLOW times, whenever it may. Its polling rounds are one look here. Whom FUTEX_WAKE wakes is any sleeper.
 *
 * Proved: M1 one owner at a time; M2 an owner is told of a death exactly when one died, or abandoned, and nobody has
 * repaired since; M3 (no LOOK_UP, no crash) nobody sleeps for ever; M4 (LOOK_UP, crashes) every thread that is not
 * killed ends.
 *
 * LOOK_UP  sleepers wake by themselves at some time
 * CONTENDED_FIRST  a waiter sets `contended` and then the waiters' bit, as sleep() did once: a sleeper is forgotten when the
 *          owner lets go and takes the lock again in between */

#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

#ifndef SLOW
#define SLOW 1
#endif
#ifndef UNREPAIRED
#define UNREPAIRED DIED
#endif

#define WAITERS 8  /* FUTEX_WAITERS */
#define DIED 16    /* FUTEX_OWNER_DIED */
#define TID(w) ((w) & 7)
#define NOTHING 255

byte word = 0;                 /* LockWord::word */
bit contended = 0;             /* LockWord::contended */
bool pending[THREADS + 1];     /* list_op_pending is this lock */
bool asleep[THREADS + 1];      /* in FUTEX_WAIT on word */
bool killed[THREADS + 1];
bool late_clear[THREADS + 1];  /* store buffer: contended = 0, and behind it */
byte late_word[THREADS + 1] = NOTHING; /* store buffer: word = this */
byte slow_answers = SLOW;      /* how often lock_slow() may still answer owner_slow */
byte ended = 0;

/* What is true, beside what the bytes say. */
bool holds[THREADS + 1];  /* from the exchange to the store that unlocks */
byte owners = 0;
bool owed = false;        /* an owner died or abandoned, and nobody has repaired since */

#define DRAINED(t) (!late_clear[t] && late_word[t] == NOTHING)
#define DRAIN(t) \
  if \
  :: late_clear[t] -> contended = 0; late_clear[t] = false \
  :: else \
  fi; \
  if \
  :: late_word[t] != NOTHING -> word = late_word[t]; late_word[t] = NOTHING \
  :: else \
  fi

#define SELECT_SLEEPER(t) \
  if \
  :: asleep[1] -> asleep[1] = false \
  :: asleep[2] -> asleep[2] = false \
  :: THREADS > 2 && asleep[THREADS] -> asleep[THREADS] = false \
  :: else \
  fi

/* compare_exchange_strong of word: drains, as the instruction does. On failure `seen` is what was there. */
inline exchange(seen, wanted, done) {
  d_step {
    DRAIN(me);
    if
    :: word == seen -> word = wanted; done = true
    :: else -> seen = word; done = false
    fi
  }
}

inline own() {
  holds[me] = true;
  owners++;
  assert(owners == 1) /* M1 */
}

/* As exchange(), for an exchange that makes this thread the owner. */
inline take_word(seen, wanted, done) {
  d_step {
    DRAIN(me);
    if
    :: word == seen -> word = wanted; done = true; told = ((seen & DIED) != 0); own()
    :: else -> seen = word; done = false
    fi
  }
}

/* release(): the stores go through the store buffer. */
inline release(left, repaired) {
  somebody_sleeps = contended; /* its own store, drained since */
#ifndef CLEAR_BEHIND
  if
  :: somebody_sleeps -> late_clear[me] = true
  :: else
  fi;
#endif
#ifdef PENDING_FIRST
  pending[me] = false;
#endif
  d_step {
    late_word[me] = left; /* lock.word.store(left) */
    holds[me] = false;
    owners--;
    owed = !repaired
  };
  pending[me] = false; /* set_pending(pending_behind) */
  somebody_sleeps = somebody_sleeps || (!late_clear[me] && contended); /* behind the store, which may not be out yet */
#ifdef CLEAR_BEHIND
  d_step { DRAIN(me) };
  contended = 0;
#endif
  if
  :: somebody_sleeps ->
    atomic { d_step { DRAIN(me) }; SELECT_SLEEPER() } /* futex(FUTEX_WAKE, 1) */
  :: else
  fi
}

#ifdef NO_PENDING
#define SET_PENDING skip
#else
#define SET_PENDING pending[me] = true
#endif

proctype thread(byte me) {
  byte seen = 0;
  byte round = 0;
  bool done = false;
  bool somebody_sleeps = false;
  bool told = false;
  {
    do
    :: round == (me == 2 -> ROUNDS : 1) -> break
    :: else ->
lock_first:
      seen = 0;
      SET_PENDING;                 /* set_pending(node_of(first)) */
      take_word(seen, me, done);   /* take() */
      if
      :: done -> goto critical
      :: else
      fi;
      pending[me] = false;
lock_slow:
      seen = word;
      if
      :: TID(seen) == 0 ->
        SET_PENDING;
        take_word(seen, (me | (seen & (DIED | WAITERS))), done); /* try_take(lock, seen, 0) */
        if
        :: done -> goto critical
        :: else -> pending[me] = false; goto lock_slow
        fi
      :: else
      fi;
lock_slow_loop:
      seen = word;
      if
      :: TID(seen) == 0 ->
        SET_PENDING;
        take_word(seen, (me | WAITERS | (seen & DIED)), done); /* try_take(lock, seen, FUTEX_WAITERS) */
        if
        :: done ->
#ifndef FORGETS_OTHERS
          contended = 1;
#endif
          goto critical
        :: else -> pending[me] = false; goto lock_slow_loop
        fi
      :: TID(seen) != 0 && slow_answers > 0 && me == 1 -> /* now - since > kSlowNs */
        slow_answers--;
#ifndef SLOW_FORGETS
        contended = 1;
#endif
        pending[me] = false;
        goto lock_first            /* Queue::lock_first() asks again */
      :: TID(seen) != 0
      fi;
sleep:
#ifdef CONTENDED_FIRST
      contended = 1;
#endif
      if
      :: (seen & WAITERS) == 0 ->
        exchange(seen, (seen | WAITERS), done);
        if
        :: done -> seen = seen | WAITERS
        :: else -> goto lock_slow_loop
        fi
      :: else
      fi;
#ifndef CONTENDED_FIRST
      contended = 1;
#endif
#ifndef NO_MEMBARRIER
      d_step { DRAIN(1); DRAIN(2); DRAIN(THREADS) };
#endif
      d_step {
        DRAIN(me);
        if
        :: word == seen -> asleep[me] = true /* futex(FUTEX_WAIT) */
        :: else
        fi
      };
      if
      :: !asleep[me]
#ifdef LOOK_UP
      :: asleep[me] -> asleep[me] = false /* kLookUpNs */
#endif
      fi;
      goto lock_slow_loop;
critical:
      assert(told == owed); /* M2 */
      if
      :: true -> release(0, true)
      :: told -> release(UNREPAIRED, false) /* abandon_first() */
      fi;
      d_step { round++; seen = 0; done = false; told = false; somebody_sleeps = false }
    od
#if CRASHES > 0
  } unless { killed[me] };
#else
  };
#endif

  if
  :: killed[me] ->
    /* The kernel's exit_robust_list(), with handle_futex_death() for what is pending. */
    d_step {
      DRAIN(me);
      asleep[me] = false; told = false; somebody_sleeps = false; done = false; seen = 0;
      if
      :: holds[me] -> holds[me] = false; owners--; owed = true
      :: else
      fi
    };
    if
    :: pending[me] ->
      seen = word;
      do
      :: TID(seen) == 0 -> atomic { SELECT_SLEEPER() }; break
      :: TID(seen) == me ->
        round = seen;
        exchange(seen, ((seen & WAITERS) | DIED), done);
        if
        :: done && (round & WAITERS) != 0 -> atomic { SELECT_SLEEPER() }; break
        :: done && (round & WAITERS) == 0 -> break
        :: else
        fi
      :: else -> break
      od
    :: else
    fi
  :: else
  fi;
  ended++
}

/* A store leaves its buffer some time after it was made. */
active proctype buffers() {
  byte t;
end:
  do
  :: d_step { late_clear[1] -> late_clear[1] = false; contended = 0 }
  :: d_step { late_clear[2] -> late_clear[2] = false; contended = 0 }
  :: d_step { late_clear[THREADS] -> late_clear[THREADS] = false; contended = 0 }
  :: d_step { !late_clear[1] && late_word[1] != NOTHING -> word = late_word[1]; late_word[1] = NOTHING }
  :: d_step { !late_clear[2] && late_word[2] != NOTHING -> word = late_word[2]; late_word[2] = NOTHING }
  :: d_step { !late_clear[THREADS] && late_word[THREADS] != NOTHING -> word = late_word[THREADS]; late_word[THREADS] = NOTHING }
  od
}

#if CRASHES > 0
active proctype killer() {
  byte crashes = 0;
  do
  :: crashes == CRASHES -> break
  :: crashes < CRASHES -> atomic { crashes++; killed[1] = true }
  :: crashes < CRASHES -> atomic { crashes++; killed[2] = true }
  :: crashes < CRASHES -> atomic { crashes++; killed[THREADS] = true }
  :: break
  od
}
#endif

init {
  atomic {
    byte t = 0;
    for (t : 1 .. THREADS) { run thread(t) }
  }
}

#ifdef LIVENESS
ltl all_end { <> (ended == THREADS) }
#endif
