/*-------------------------------------------------------------------------
 *
 * text.h
 *		What the programs of the benchmark share: text that grows, what goes
 *		into a signature, the clock, and the end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Text
{
	char	   *data;
	size_t		len;
	size_t		size;
} Text;

static inline void
fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static inline void *
enlarge(void *old, size_t size)
{
	void	   *bigger = realloc(old, size);

	if (bigger == NULL)
		fail("out of memory");
	return bigger;
}

static inline void
append(Text *text, const char *data, size_t len)
{
	if (text->len + len + 1 > text->size)
	{
		text->size = (text->len + len + 1) * 2;
		text->data = enlarge(text->data, text->size);
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

static inline void
append_string(Text *text, const char *string)
{
	append(text, string, strlen(string));
}

/* For libcurl: a piece of an answer comes behind those before it. */
static inline size_t
take_answer(char *data, size_t size, size_t count, void *answer)
{
	append(answer, data, size * count);
	return size * count;
}

/* A nonce: the time in milliseconds. */
static inline void
write_nonce(char *nonce, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(nonce, size, "%lld",
			 (long long) now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* There must be room for two characters of each byte, and one. */
static inline void
write_hex(char *hex, const unsigned char *bytes, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static inline double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

#endif							/* BENCH_TEXT_H */
