/* Recovery, and both locks: src/shm/recovery.cpp step by step, with send.cpp, receive.cpp and locks.cpp around it.
 *
 * Assumed: the locks are as lock.pml proves them (taken in one step when free; a death is told to the next owner until he
 * unlocks). A queue of SLOTS slots, all used before, and rings of RING entries, so that both overflow. A sender sends MESSAGES
 * messages of one priority, a receiver makes as many calls, neither waits; each call is under the lock or on loan, as may be.
 * A third process comes and goes, as one that opens the queue. Up to CRASHES of the three are killed, each at any step, also inside a
 * recovery. When nothing happens any more somebody looks at what is left.
 *
 * Proved: R1 then each slot stands in exactly one place, the one that its mark says, and none is lost (I3, I4, I9), after
 * any sequence of deaths; R2 a message that was acknowledged, and not received, is there once, in the order of
 * sending; R3 nobody is handed a slot that is not what it should be, nor a message twice; and nobody waits for ever, so the
 * order of the locks is sound. */

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef RING
#define RING 1
#endif
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

#define OUT 0
#define IN 1

#define SENDER 0
#define RECEIVER 1
#define THIRD 2
#define LAST 3
#define ALL 4

#define FREE 0 /* SlotState */
#define WRITING 1
#define QUEUED 2
#define READING 3

#define NO_SLOT 255

byte owner[2] = ALL;
bool died[2];
bool alive[ALL] = true;
bool killed[ALL];
bool last = false;

/* The truth. */
byte mark[SLOTS] = FREE;
byte user[SLOTS];
byte sequence[SLOTS];
byte payload[SLOTS];

/* Derived. */
byte next[SLOTS];         /* links of the two free lists */
byte free_head = NO_SLOT; /* SenderSide::free_head */
byte overflow = NO_SLOT;  /* ReceiverSide::free_head */
byte next_sequence = 1;
byte index[SLOTS];        /* its list of the one priority */
byte indexed = 0;
byte arrived_slot[RING];
byte arrived_lap[RING];   /* 0: not written */
byte arrived_head = 0;
byte arrived_tail = 0;
byte returned_slot[RING];
byte returned_lap[RING];
byte returned_head = 0;
byte returned_tail = 0;

bool acknowledged[MESSAGES + 1];
bool taken[MESSAGES + 1]; /* a receiver has ended its mark */

#define LAP(position) ((position) / RING + 1)
#define ARRIVED(position) (arrived_lap[(position) % RING] == LAP(position))
#define RETURNED(position) (returned_lap[(position) % RING] == LAP(position))

inline lock(which) { atomic { owner[which] == ALL -> owner[which] = me } }
inline unlock(which) { d_step { owner[which] = ALL; died[which] = false } }

inline give_back(slot) {
  next[slot] = free_head;
  free_head = slot
}

/* Index::push_back(); whoever lists in another order than that of the sequences is found at the end. */
inline push_back(slot) {
  d_step { index[indexed] = slot; indexed++ }
}

inline pop_front() {
  d_step {
    s = index[0];
    indexed--;
    for (i : 0 .. SLOTS - 2) { index[i] = index[i + 1] };
    index[SLOTS - 1] = 0;
    i = 0
  }
}

inline sort_arrivals() {
  do
  :: ARRIVED(arrived_head) ->
    push_back(arrived_slot[arrived_head % RING]);
    arrived_head++
  :: else -> break
  od;
  skip
}

/* The queued slot with the lowest sequence of those that are not listed: what SequenceSort makes of them all. */
inline lowest_unlisted() {
  d_step {
    s = NO_SLOT;
    for (i : 0 .. SLOTS - 1) {
      if
      :: mark[i] == QUEUED && (indexed == 0 || sequence[i] > sequence[index[indexed - 1]]) &&
         (s == NO_SLOT || sequence[i] < sequence[s]) -> s = i
      :: else
      fi
    };
    i = 0
  }
}

/* recover(): uses s and i. */
inline recover() {
  saved = s;
  d_step { /* forget_derived(): one store after the other, which nobody but another recovery can tell */
    for (i : 0 .. RING - 1) { arrived_lap[i] = 0 };
    i = 0
  };
#ifndef KEEPS_RETURNED
  d_step {
    for (i : 0 .. RING - 1) { returned_lap[i] = 0 };
    i = 0
  };
#endif
  arrived_tail = 0;
  arrived_head = 0;
  returned_tail = 0;
  returned_head = 0;
  free_head = NO_SLOT;
  overflow = NO_SLOT;
  d_step { indexed = 0; for (i : 0 .. SLOTS - 1) { index[i] = 0 }; i = 0 };
  s = SLOTS;
  do
  :: s == 0 -> break
  :: else ->
    s--;
    if
    :: (mark[s] == WRITING || mark[s] == READING) && alive[user[s]]
    :: mark[s] == QUEUED || (mark[s] == READING && !alive[user[s]]) -> mark[s] = QUEUED
    :: mark[s] == FREE || (mark[s] == WRITING && !alive[user[s]]) -> mark[s] = FREE; give_back(s)
    fi
  od;
  skip;
  do
  :: skip; lowest_unlisted();
    if
    :: s == NO_SLOT -> break
    :: else -> push_back(s)
    fi
  od;
  s = saved
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
  unlock(IN);
  unlock(OUT)
}

inline lock_senders() {
  lock(OUT);
  if
  :: died[OUT] -> lock(IN); recover(); unlock(IN)
  :: else
  fi
}

inline lock_receivers() {
  do
  :: lock(IN);
    if
    :: died[IN] ->
#ifdef NOT_ABANDONED
      unlock(IN);
#else
      d_step { owner[IN] = ALL }; /* abandon_first() */
#endif
      lock_both();
      unlock_both()
    :: else -> break
    fi
  od
}

inline add_receivers() {
  lock(IN);
  if
  :: died[IN] -> recover()
  :: else
  fi
}

/* take_returned(), take_overflow(); the slot in s. */
inline take_returned() {
  if
  :: free_head != NO_SLOT -> s = free_head; free_head = next[s]
  :: free_head == NO_SLOT && RETURNED(returned_head) ->
    s = returned_slot[returned_head % RING];
    returned_head++
  :: else -> s = NO_SLOT
  fi
}

inline take_slot() {
  take_returned();
  if
  :: s == NO_SLOT ->
    add_receivers();
    if
    :: free_head == NO_SLOT -> free_head = overflow; overflow = NO_SLOT
    :: else
    fi;
    unlock(IN);
    take_returned()
  :: else
  fi;
  assert(s == NO_SLOT || mark[s] == FREE) /* R3 */
}

inline commit() {
  sequence[s] = next_sequence;
  next_sequence++;
#ifdef ENTRY_FIRST
  write_arrived();
  mark[s] = QUEUED;
#else
  mark[s] = QUEUED;
#endif
  tail = arrived_tail;
  if
  :: tail - arrived_head >= RING ->
    add_receivers();
    sort_arrivals();
    unlock(IN)
  :: else
  fi;
#ifndef ENTRY_FIRST
  if
#ifdef LISTED_TWICE
  :: true -> write_arrived()
#else
  :: arrived_tail == tail -> write_arrived() /* else recovery has listed it */
  :: else
#endif
  fi;
#endif
  tail = 0
}
inline write_arrived() {
  d_step { arrived_slot[arrived_tail % RING] = s; arrived_lap[arrived_tail % RING] = LAP(arrived_tail) };
  arrived_tail++
}

inline free_slot() {
  d_step {
    assert(!taken[payload[s]]); /* R3 */
    taken[payload[s]] = true;
    mark[s] = FREE
  };
  if
  :: returned_tail - returned_head >= RING ->
    next[s] = overflow;
    overflow = s
  :: else ->
    d_step { returned_slot[returned_tail % RING] = s; returned_lap[returned_tail % RING] = LAP(returned_tail) };
    returned_tail++
  fi
}

inline exits(who) {
  d_step {
    alive[who] = false;
    if
    :: owner[OUT] == who -> owner[OUT] = ALL; died[OUT] = true
    :: else
    fi;
    if
    :: owner[IN] == who -> owner[IN] = ALL; died[IN] = true
    :: else
    fi
  }
}

#if CRASHES > 0
#define UNLESS_KILLED unless { killed[me] }
#else
#define UNLESS_KILLED
#endif

proctype sender() {
  byte me = SENDER;
  byte s = NO_SLOT;
  byte i = 0;
  byte saved = 0;
  byte tail = 0;
  byte message = 0;
  {
    do
    :: message == MESSAGES -> break
    :: else ->
      message++;
      lock_senders();
      take_slot();
      if
      :: s == NO_SLOT -> unlock(OUT)
      :: s != NO_SLOT ->
        if
        :: payload[s] = message
        :: d_step { mark[s] = WRITING; user[s] = me }; /* loan() */
          unlock(OUT);
          payload[s] = message;
          lock_senders();
          assert(mark[s] == WRITING && user[s] == me) /* R3 */
        fi;
        commit();
        unlock(OUT);
        acknowledged[message] = true
      fi;
      s = NO_SLOT
    od
  } UNLESS_KILLED;
  exits(SENDER)
}

proctype receiver() {
  byte me = RECEIVER;
  byte s = NO_SLOT;
  byte i = 0;
  byte saved = 0;
  byte call = 0;
  {
    do
    :: call == MESSAGES -> break
    :: else ->
      call++;
      lock_receivers();
      if /* next_slot() */
      :: indexed == 0 && ARRIVED(arrived_head) -> s = arrived_slot[arrived_head % RING]; arrived_head++
      :: indexed == 0 && !ARRIVED(arrived_head) -> s = NO_SLOT
      :: indexed > 0 -> sort_arrivals(); pop_front()
      fi;
      if
      :: s == NO_SLOT
      :: s != NO_SLOT ->
        assert(mark[s] == QUEUED); /* R3 */
        if
        :: true
        :: d_step { mark[s] = READING; user[s] = me }; /* mark_reading() */
          unlock(IN);
          lock_receivers();
          assert(mark[s] == READING && user[s] == me) /* R3 */
        fi;
        free_slot()
      fi;
      unlock(IN);
      s = NO_SLOT
    od
  } UNLESS_KILLED;
  exits(RECEIVER)
}

proctype third() {
  byte me = THIRD;
  byte s = NO_SLOT;
  byte i = 0;
  byte saved = 0;
  {
    if
    :: lock_both(); unlock_both()
    :: lock_receivers(); unlock(IN) /* as a receiver that finds nothing */
    fi
  } UNLESS_KILLED;
  exits(THIRD)
}

#if CRASHES > 0
active proctype killer() {
  byte crashes = 0;
  do
  :: crashes == CRASHES -> break
  :: crashes < CRASHES -> atomic { crashes++; killed[SENDER] = true }
  :: crashes < CRASHES -> atomic { crashes++; killed[RECEIVER] = true }
  :: crashes < CRASHES -> atomic { crashes++; killed[THIRD] = true }
  :: break
  od
}
#endif

byte seen[SLOTS];

/* What is left, once nothing happens any more. */
active proctype look() {
  byte me = LAST;
  byte s = NO_SLOT;
  byte i = 0;
  byte saved = 0;
  byte m = 0;
  byte before = 0;
  timeout;
  lock_both();
  if /* rescue_loans() */
  :: mark[0] == WRITING || mark[0] == READING || mark[1] == WRITING || mark[1] == READING -> recover()
  :: else
  fi;
  sort_arrivals();
  d_step {
    for (i : 0 .. SLOTS - 1) { assert(mark[i] == FREE || mark[i] == QUEUED) }; /* R1: the owners have gone */
    before = 0;
    i = 0;
    do
    :: i < indexed ->
      assert(mark[index[i]] == QUEUED);
      seen[index[i]]++;
      assert(sequence[index[i]] > before); /* R2 */
      before = sequence[index[i]];
      assert(!taken[payload[index[i]]]);
      i++
    :: else -> break
    od;
    do
    :: free_head != NO_SLOT -> assert(mark[free_head] == FREE); seen[free_head]++; assert(seen[free_head] == 1); free_head = next[free_head]
    :: else -> break
    od;
    do
    :: overflow != NO_SLOT -> assert(mark[overflow] == FREE); seen[overflow]++; assert(seen[overflow] == 1); overflow = next[overflow]
    :: else -> break
    od;
    do
    :: RETURNED(returned_head) ->
      s = returned_slot[returned_head % RING];
      assert(mark[s] == FREE);
      seen[s]++;
      returned_head++
    :: else -> break
    od;
    for (i : 0 .. SLOTS - 1) { assert(seen[i] == 1) }; /* R1 */
    for (m : 1 .. MESSAGES) {
      before = 0;
      for (i : 0 .. SLOTS - 1) { before = before + (mark[i] == QUEUED && payload[i] == m) };
      assert(before <= 1);
      assert(!acknowledged[m] || taken[m] || before == 1) /* R2 */
    }
  }
}

init {
  byte i;
  d_step {
    for (i : 0 .. SLOTS - 1) { next[i] = free_head; free_head = i };
    i = 0
  };
  atomic { run sender(); run receiver(); run third() }
}
