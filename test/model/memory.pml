/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Promela: the memory of x86 and (more so) ARM. A store waits in its processor's
 * buffer and becomes visible to others later, in order; a fence waits until the
 * processor's own buffer is empty. So a model without a fence that the code needs
 * has a run that fails.
 */
#define CPUS 3
#define BUFFER 3

chan buffer[CPUS] = [BUFFER] of { byte, byte };
byte memory[LOCATIONS];

/* One per processor: makes its stores visible. */
active [CPUS] proctype drain()
{
	byte where, value;

end:
	do
	:: atomic { buffer[_pid]?where,value -> memory[where] = value }
	od
}

#define STORE(cpu, where, value) buffer[cpu]!where,value
#define FENCE(cpu) empty(buffer[cpu])
