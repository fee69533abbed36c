/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INI files line by line, each with its place, so that an error can say where:
 *
 *	[section]
 *	key = value	# comment
 *
 * Knows no section, key or value. Any thread; reads a stream, logs nothing.
 */
#ifndef VIFD_INI_H
#define VIFD_INI_H

#include <stdint.h>
#include <stdio.h>

#define INI_LINE_MAX 4096u
#define INI_SECTION_MAX 64u

/**
 * struct ini_line - One line that says something
 * @line, @column: of the section's bracket or the key, from 1 on
 * @value_column:  of the value
 * @section:       in which the line is, "" before the first
 * @key:           NULL: the section begins here
 * @value:         without blanks around it; may be ""
 * @wrong:         NULL, or what the line should have been; then only the place counts
 */
struct ini_line {
	uint32_t line, column, value_column;
	const char *section, *key, *value;
	const char *wrong;
};

/**
 * ini_read() - Hand over a whole file
 * @take: for each line, in order; other than 0 ends the reading
 *
 * Return: 0, what @take ended it with, -errno of the stream
 */
int ini_read(FILE *stream, int (*take)(void *arg, const struct ini_line *line), void *arg);

#endif
