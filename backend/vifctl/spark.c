/* SPDX-License-Identifier: BSD-3-Clause */
#include "spark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spark *sparks_add(struct sparks *sparks, const char *key, double value)
{
	struct spark *spark = NULL, *more;

	for (size_t i = 0; i < sparks->nr && !spark; i++)
		if (!strcmp(sparks->of[i].key, key))
			spark = &sparks->of[i];
	if (!spark) {
		more = realloc(sparks->of, (sparks->nr + 1) * sizeof(*more));
		if (!more)
			return NULL;
		sparks->of = more;
		spark = &more[sparks->nr++];
		memset(spark, 0, sizeof(*spark));
		snprintf(spark->key, sizeof(spark->key), "%s", key);
	}
	spark->value[spark->nr++ % SPARK_MAX] = value;
	return spark;
}

void sparks_free(struct sparks *sparks)
{
	free(sparks->of);
	*sparks = (struct sparks){ 0 };
}

void spark_text(const struct spark *spark, size_t width, bool utf8, char text[SPARK_TEXT_MAX])
{
	static const char *const blocks[] = { " ",	"\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const signs[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };
	double most = 0;
	size_t used = 0;

	width = width < SPARK_MAX ? width : SPARK_MAX;
	for (size_t i = 1; i <= width && i <= spark->nr; i++)
		if (spark->value[(spark->nr - i) % SPARK_MAX] > most)
			most = spark->value[(spark->nr - i) % SPARK_MAX];
	text[0] = '\0';
	for (size_t i = width; i > 0; i--) {
		double value = i <= spark->nr ? spark->value[(spark->nr - i) % SPARK_MAX] : 0;
		/* whatever is not 0 is seen */
		size_t height = value > 0 ? 1 + (size_t)(value / most * 7.0) : 0;

		used += (size_t)snprintf(text + used, SPARK_TEXT_MAX - used, "%s",
					 utf8 ? blocks[height] : signs[height]);
	}
}
