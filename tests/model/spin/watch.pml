/* The watched queue: src/shm/watch.cpp, with what locks.cpp, send.cpp, receive.cpp and recovery.cpp do around it.
 *
 * Assumed: the locks are as lock.pml proves them (taken in one step when free; a death is told to the next owner). A sender
 * and a receiver make CALLS calls that do not wait, on a queue of CAPACITY slots; a poller begins to poll, and goes on until the end or
 * ends it and may come again; one process registers, and may cancel. Up to CRASHES of the four are killed, each at any step, also inside a
 * recovery. Messages are alike, so the queue is counts. The doorbell is a FIFO of the kernel's: what it holds is forgotten when
 * nobody has it open, and setting it is as doorbell.cpp does it, by the state that it is thought to be in. Nobody sleeps
 * in a receive (sleep.pml), and nobody polls for edges.
 *
 * Proved: D1 while somebody who lives polls, the doorbell says what the queue is whenever both locks are free and no owner
 * has died unrepaired, so after every call that is complete; D2 after a death, once the poller has looked; N1 a message
 * that came to an empty queue has been told to the registered process when the locks are free, or after the next look:
 * perhaps twice, never less; W1 of watch.cpp; and nobody waits for ever. */

#ifndef CALLS
#define CALLS 2
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef POLLERS
#define POLLERS 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef REGISTRANTS
#define REGISTRANTS 1
#endif

#define OUT 0 /* the senders' lock */
#define IN 1  /* the receivers' lock */

#define SENDER 0
#define RECEIVER 1
#define POLLER 2
#define ANOTHER 3 /* poller */
#define REGISTRANT 4
#define ALL 5

#define EMPTY 0 /* os::Bell */
#define SOME 1
#define FULL 2
#define NOW (arrived == 0 -> EMPTY : (returned == 0 -> FULL : SOME))

byte owner[2] = ALL;
bool died[2];
byte marked = 0;          /* slots whose mark is queued: the truth */
byte arrived = 0;         /* messages that a receiver can find */
byte returned = CAPACITY; /* free slots that a sender can find */
bool loan = false;        /* a slot that the receiver reads */

byte watched = 0; /* Common::watched */
byte pollers = 0; /* Watch::pollers */
byte said = EMPTY; /* Watch::bell */
bool registered = false; /* Watch::kind */
bool polls[ALL];  /* User::polls */

byte bell = EMPTY;  /* the FIFO */
bool open[ALL];     /* who has it open */
bool alive[ALL] = true;
bool killed[ALL];

bool due = false;   /* what is true: a message came to an empty queue, and the registered process was not told */
bool look[ALL];     /* it is time to look */
bool calm = false;  /* everybody who watches has looked since the last death */
bool waits = false; /* the killer, until something happens by itself no more */

#define FREE (owner[OUT] == ALL && owner[IN] == ALL && !died[OUT] && !died[IN])

inline lock(which) { atomic { owner[which] == ALL -> owner[which] = me } }
inline unlock(which) { d_step { owner[which] = ALL; died[which] = false } }

/* os::set_bell(), to what is wanted from what is said. */
inline set_bell(wanted) {
  d_step {
    if
    :: wanted == EMPTY -> bell = EMPTY
    :: wanted == FULL -> bell = FULL
    :: wanted == SOME && said == FULL && bell == FULL -> bell = SOME  /* drain_to_one() */
    :: wanted == SOME && said == EMPTY && bell == EMPTY -> bell = SOME /* a byte more */
    :: else
    fi
  }
}

inline count_watchers() { watched = pollers + registered }

inline forget_notice() {
  registered = false;
  count_watchers()
}

inline recount_watchers() {
  d_step {
    polls[POLLER] = polls[POLLER] && alive[POLLER];
    polls[ANOTHER] = polls[ANOTHER] && alive[ANOTHER]
  };
  pollers = polls[POLLER] + polls[ANOTHER];
  if
  :: registered && !alive[REGISTRANT] -> forget_notice()
  :: else
  fi;
  count_watchers();
#ifndef NO_RESYNC
  if
  :: pollers > 0 -> d_step { open[me] = true; said = bell }
  :: else
  fi
#endif
}

/* Queue::settle(); it recounts now and then. */
inline settle() {
  if
  :: pollers > 0 ->
    open[me] = true;
    if
    :: NOW != said -> now = NOW; set_bell(now); said = now; now = 0
    :: NOW == said
    :: CRASHES > 0 -> now = NOW; set_bell(now); said = now; now = 0; recount_watchers()
    fi
  :: else
  fi
}

/* Queue::notify(): the caller knows that a message came to an empty queue. */
inline notify() {
  if
  :: registered && arrived > 0 ->
#ifdef FORGET_FIRST
    forget_notice();
    due = false
#else
    due = false; /* told */
    forget_notice()
#endif
  :: else
  fi
}

/* recover(), tell_everybody() */
inline recover() {
  d_step { arrived = 0; returned = 0 };
  d_step {
    if
    :: loan && !alive[RECEIVER] -> loan = false; marked++ /* back in its place */
    :: else
    fi;
    arrived = marked;
    returned = CAPACITY - marked - loan
  };
  recount_watchers();
#ifndef RECOVERY_IS_SILENT
  notify();
#endif
  settle()
}

inline rescue_loans() {
  if
  :: loan && !alive[RECEIVER] -> recover()
  :: else
  fi
}

inline lock_both() {
  lock(OUT);
  lock(IN);
  if
  :: died[OUT] || died[IN] -> recover()
  :: else
  fi
}

inline unlock_both() {
#ifdef BELL_BEHIND
  unlock(IN);
  unlock(OUT);
  if
  :: watched > 0 -> settle()
  :: else
  fi
#else
  if
  :: watched > 0 -> settle()
  :: else
  fi;
  unlock(IN);
  unlock(OUT)
#endif
}

/* What the kernel does when a process ends. */
inline exits(who) {
  d_step {
    alive[who] = false;
    open[who] = false;
    if
    :: !open[SENDER] && !open[RECEIVER] && !open[POLLER] && !open[ANOTHER] && !open[REGISTRANT] -> bell = EMPTY
    :: else
    fi;
    if
    :: owner[OUT] == who -> owner[OUT] = ALL; died[OUT] = true
    :: else
    fi;
    if
    :: owner[IN] == who -> owner[IN] = ALL; died[IN] = true
    :: else
    fi;
    if
    :: who == REGISTRANT -> due = false /* nobody is there to be told */
    :: else
    fi
  }
}

#if CRASHES > 0
#define UNLESS_KILLED unless { killed[me] }
#else
#define UNLESS_KILLED
#endif

active proctype sender() {
  byte me = SENDER;
  byte now = 0;
  byte call = 0;
  bool both = false;
  bool was_empty = false;
  {
    do
    :: call == CALLS -> break
    :: else ->
      call++;
      lock(OUT); /* enter_senders() */
      if
      :: died[OUT] -> lock(IN); recover(); unlock(IN)
      :: else
      fi;
      both = (watched > 0);
      if
      :: both ->
        lock(IN);
        if
        :: died[IN] -> recover()
        :: else
        fi;
        was_empty = (arrived == 0)
      :: else
      fi;
      if
      :: returned > 0 ->
        returned--; /* take_slot() */
        d_step {    /* commit(): the mark */
          if
          :: marked == 0 && registered && alive[REGISTRANT] -> due = true
          :: else
          fi;
          marked++
        };
        arrived++; /* commit(): the entry */
        if
        :: both && was_empty -> notify()
        :: else
        fi
      :: else
      fi;
      if /* leave_senders() */
      :: both -> unlock_both()
      :: else -> unlock(OUT)
      fi;
      d_step { both = false; was_empty = false }
    od
  } UNLESS_KILLED;
  exits(SENDER)
}

inline enter_receivers() {
  both = (watched > 0);
  if
  :: both -> lock_both()
  :: else ->
    do /* lock_receivers() */
    :: lock(IN);
      if
      :: died[IN] ->
        d_step { owner[IN] = ALL }; /* abandon_first() */
        lock_both();
        unlock_both()
      :: else -> break
      fi
    od;
#ifndef NO_SECOND_LOOK
    if
    :: watched > 0 -> unlock(IN); both = true; lock_both()
    :: else
    fi
#endif
  fi
}

inline leave_receivers() {
  if
  :: both -> unlock_both()
  :: else -> unlock(IN)
  fi;
  both = false
}

active proctype receiver() {
  byte me = RECEIVER;
  byte now = 0;
  byte call = 0;
  bool both = false;
  {
    do
    :: call == CALLS -> break
    :: else ->
      call++;
      enter_receivers();
      if
      :: arrived > 0 ->
        arrived--;                                /* next_slot() */
        d_step { marked--; loan = true };         /* mark_reading() */
        leave_receivers();
        enter_receivers();                        /* release_loan() */
        loan = false;
        returned++
      :: else
      fi;
      leave_receivers()
    od
  } UNLESS_KILLED;
  exits(RECEIVER)
}

proctype poller(byte me) {
  byte now = 0;
  byte round = 0;
  bool known = false; /* bell_known_ */
  {
    do
    :: round == ROUNDS -> break
    :: else ->
      round++;
      open[me] = true; /* begin_poll() */
      lock_both();
      rescue_loans();
      polls[me] = true;
      pollers++;
      count_watchers();
      if
#ifdef FIRST_ONLY
      :: pollers == 1 -> said = bell
#else
      :: pollers == 1 || !known -> said = bell; known = true
#endif
      :: else
      fi;
      unlock_both();
      if
      :: true ->
end_polling:
        do
        :: look[me] -> lock_both(); rescue_loans(); unlock_both(); look[me] = false
        od
      :: true
      fi;
      lock_both(); /* end_poll() */
      pollers--;
      polls[me] = false;
      count_watchers();
      unlock_both()
    od
  } UNLESS_KILLED;
  exits(me)
}

proctype registrant() {
  byte me = REGISTRANT;
  byte now = 0;
  {
    lock_both(); /* register_notice() */
    registered = true;
    count_watchers();
    unlock_both();
    if
    :: true ->
end_registered:
      do
      :: look[REGISTRANT] -> lock_both(); unlock_both(); look[REGISTRANT] = false /* await_notice() */
      od
    :: true
    fi;
    lock_both(); /* cancel_notice() */
    due = false;
    if
    :: registered -> forget_notice()
    :: else
    fi;
    unlock_both()
  } UNLESS_KILLED;
  exits(REGISTRANT)
}

#if CRASHES > 0
active proctype killer() {
  byte crashes = 0;
  do
  :: crashes == CRASHES -> break
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[SENDER] = true }
  :: crashes < CRASHES -> atomic { crashes++; calm = false; killed[RECEIVER] = true }
  :: crashes < CRASHES && POLLERS > 0 -> atomic { crashes++; calm = false; killed[POLLER] = true }
  :: crashes < CRASHES && POLLERS > 1 -> atomic { crashes++; calm = false; killed[ANOTHER] = true }
  :: crashes < CRASHES && REGISTRANTS > 0 -> atomic { crashes++; calm = false; killed[REGISTRANT] = true }
  :: crashes < CRASHES && !waits -> waits = true; !waits /* for the next look */
  :: break
  od
}
#endif

#define POLLED ((polls[POLLER] && alive[POLLER]) || (polls[ANOTHER] && alive[ANOTHER]))

/* At any time. */
active proctype invariants() {
end:
  do
  :: atomic { FREE && POLLED && bell != NOW -> assert(false) } /* D1 */
  :: atomic { FREE && due -> assert(false) }                   /* N1 */
  :: atomic { FREE && (watched != pollers + registered || pollers != polls[POLLER] + polls[ANOTHER]) -> assert(false) } /* W1 */
  od
}

/* When nothing happens any more but that those who watch look. */
active proctype monitor() {
  do
  :: timeout ->
    if
    :: calm && !waits ->
      assert(!POLLED || bell == NOW); /* D2 */
      assert(!due);                   /* N1 */
      break
    :: else ->
      d_step {
        look[POLLER] = polls[POLLER] && alive[POLLER];
        look[ANOTHER] = polls[ANOTHER] && alive[ANOTHER];
        look[REGISTRANT] = registered && alive[REGISTRANT];
        calm = true;
        waits = false
      }
    fi
  od
}

init {
  atomic {
    if
    :: POLLERS > 0 -> run poller(POLLER)
    :: else
    fi;
    if
    :: POLLERS > 1 -> run poller(ANOTHER)
    :: else
    fi;
    if
    :: REGISTRANTS > 0 -> run registrant()
    :: else
    fi
  }
}
