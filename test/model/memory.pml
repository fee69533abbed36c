/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Promela: memory as x86 and (more so) ARM have it. A store waits in its
 * processor's buffer and is seen by others some time later, in order; a fence
 * waits until the own buffer is empty. So a model without a fence that the
 * code needs has a run that fails.
 */
#define CPUS 3
#define BUFFER 3

chan buffer[CPUS] = [BUFFER] of { byte, byte };
byte memory[LOCATIONS];

/* One per processor: what was stored becomes visible. */
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
