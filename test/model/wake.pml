/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wake.h: one sleeper, two wakers. A waker makes its work visible and then calls
 * wake_worker(); the sleeper says that it sleeps, looks at all its work once more,
 * and waits for its descriptor.
 *
 * Verified: no run ends with work that nobody takes; the descriptor is written
 * only for a sleeper.
 * Must fail with -DNO_WAKE_FENCE, -DNO_SLEEP_FENCE or -DNO_SECOND_LOOK.
 */
#define LOCATIONS 3
#include "memory.pml"

#define WORK 0 /* and WORK + 1: one for each waker */
#define ASLEEP 2
#define SLEEPER 2
#define PIECES 2

byte written; /* the eventfd's count */
byte taken[2];

init
{
	run waker(0);
	run waker(1);
	run sleeper();
	run checker()
}

proctype waker(byte me)
{
	byte done;
	bool was;

	do
	:: done == PIECES -> break
	:: else ->
		done++;
		STORE(me, WORK + me, done);
#ifndef NO_WAKE_FENCE
		FENCE(me);
#endif
		if
		:: memory[ASLEEP] ->
			/* an exchange drains the buffer and is atomic */
			FENCE(me);
			atomic {
				was = memory[ASLEEP];
				memory[ASLEEP] = 0
			};
			if
			:: was -> written++
			:: else
			fi
		:: else
		fi
	od
}

#define NOTHING (memory[WORK] == taken[0] && memory[WORK + 1] == taken[1])

proctype sleeper()
{
	do
	:: atomic { memory[WORK] > taken[0] -> taken[0] = memory[WORK] }
	:: atomic { memory[WORK + 1] > taken[1] -> taken[1] = memory[WORK + 1] }
	:: NOTHING ->
		STORE(SLEEPER, ASLEEP, 1);
#ifndef NO_SLEEP_FENCE
		FENCE(SLEEPER);
#endif
#ifndef NO_SECOND_LOOK
		if
		:: memory[WORK] == taken[0] -> skip
		:: else -> goto awake
		fi;
		if
		:: memory[WORK + 1] == taken[1] -> skip
		:: else -> goto awake
		fi;
#endif
end_asleep:
		atomic { written > 0 -> written = 0 };
awake:
		STORE(SLEEPER, ASLEEP, 0);
		FENCE(SLEEPER)
	od
}

proctype checker()
{
	timeout -> assert(taken[0] == PIECES && taken[1] == PIECES)
}
