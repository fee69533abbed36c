/* SPDX-License-Identifier: BSD-3-Clause */
/* The last values of something, as a line of small bars. One thread. */
#ifndef VIFD_VIFCTL_SPARK_H
#define VIFD_VIFCTL_SPARK_H

#include <stdbool.h>
#include <stddef.h>

/* A bar has three bytes at most. */
#define SPARK_MAX 60u
#define SPARK_TEXT_MAX (SPARK_MAX * 3 + 1)

/** struct spark - The last values of what is called @key; @nr: how many were ever added */
struct spark {
	char key[48];
	unsigned long nr;
	double value[SPARK_MAX];
};

/** struct sparks - Of many things; zeroed is ready to use */
struct sparks {
	struct spark *of;
	size_t nr;
};

/** sparks_add() - Another value of @key. Return: its line, until the next call; NULL = no memory */
struct spark *sparks_add(struct sparks *sparks, const char *key, double value);

/** sparks_free() */
void sparks_free(struct sparks *sparks);

/**
 * spark_text() - The last @width values, each as high as it is of the largest
 * @utf8: the terminal has blocks; else in ASCII
 *
 * Always @width columns; where there are no values yet, blanks.
 */
void spark_text(const struct spark *spark, size_t width, bool utf8, char text[SPARK_TEXT_MAX]);

#endif
