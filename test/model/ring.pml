/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring's notification rule. Producer: ring_push() (and the front end's own
 * push of requests); consumer: ring_arm() and the worker's sleep. It holds for both
 * directions, because the rule is the same for both.
 *
 * Verified: no run ends with an item in the ring and the consumer asleep.
 * Must fail with -DNO_PUSH_FENCE, -DNO_ARM_FENCE, -DNO_SECOND_LOOK or -DNO_UNMASK.
 */
#define LOCATIONS 2
#include "memory.pml"

#define PROD 0	/* req_prod, or rsp_prod */
#define EVENT 1 /* req_event, or rsp_event */
#define ITEMS 4
#define PRODUCER 0
#define CONSUMER 1

bool pending, masked; /* the event channel */
byte taken;

init
{
	memory[EVENT] = 1;
	run producer();
	run consumer();
	run checker()
}

proctype producer()
{
	byte old, now, event;

	do
	:: now == ITEMS -> break
	:: else ->
		old = now;
		/* one item, or all that are left, in one push */
		if
		:: now++
		:: now = ITEMS
		fi;
		STORE(PRODUCER, PROD, now);
#ifndef NO_PUSH_FENCE
		FENCE(PRODUCER);
#endif
		event = memory[EVENT];
		if
		:: event > old && event <= now -> pending = true
		:: else
		fi
	od
}

proctype consumer()
{
	bool rang;

	do
	:: atomic { memory[PROD] > taken -> taken = memory[PROD] } /* a pass with work */
	:: rang ->
		/* after the pass, or when the delay of the channel is over */
#ifndef NO_UNMASK
		masked = false;
#endif
		rang = false
	:: atomic { memory[PROD] == taken } ->
		/* no work: ask for an event at the next item, look once more, wait */
		STORE(CONSUMER, EVENT, taken + 1);
#ifndef NO_ARM_FENCE
		FENCE(CONSUMER);
#endif
#ifndef NO_SECOND_LOOK
		if
		:: memory[PROD] > taken -> goto again
		:: else
		fi;
#endif
end_asleep:
		if
		:: atomic { pending && !masked -> pending = false; masked = true }
			rang = true
		:: rang -> skip /* a timed wait */
		fi;
again:
		skip
	od
}

/* When nothing can run any more, no item may be left. */
proctype checker()
{
	timeout -> assert(taken == ITEMS)
}
