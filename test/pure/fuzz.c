/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *		Mutations of answers, and a driver for fuzzers where there is no
 *		libFuzzer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "random.h"

/* Most mutations of one input by the driver. */
#define MAX_MUTATIONS	8

/* The longest piece of an input that is copied within it. */
#define MAX_PIECE		64

extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
									  size_t max_size, unsigned int seed);
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static const uint8_t *input;
static size_t input_size;

void
fuzz_input(const uint8_t *data, size_t size)
{
	input = data;
	input_size = size;
}

void
fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must be: %s\n", file, line, condition);
	fwrite(input, 1, input_size, stderr);
	fputc('\n', stderr);
	abort();
}

/*
 * ----
 * Mutations
 * ----
 */

static int
count_of(const char *const *texts)
{
	int			count = 0;

	while (texts[count] != NULL)
		count++;
	return count;
}

/* Put bytes in place of some that are there, if there is room. */
static size_t
replace(uint8_t *text, size_t len, size_t max_len, size_t at, size_t gone,
		const void *bytes, size_t count)
{
	gone = Min(gone, len - at);
	if (len - gone + count > max_len)
		return len;
	memmove(text + at + count, text + at + gone, len - at - gone);
	memcpy(text + at, bytes, count);
	return len - gone + count;
}

static size_t
mutate(uint8_t *text, size_t len, size_t max_len)
{
	size_t		at = below(len + 1);
	const char *token = fuzz_tokens[below(count_of(fuzz_tokens))];
	uint8_t		piece[MAX_PIECE];
	size_t		from = below(len + 1);
	size_t		count = below(MAX_PIECE);

	count = Min(count, len - from);
	memcpy(piece, text + from, count);
	switch (below(7))
	{
		case 0:
			return replace(text, len, max_len, at, 0, token, strlen(token));
		case 1:
			return replace(text, len, max_len, at, strlen(token), token,
						   strlen(token));
		case 2:
			return replace(text, len, max_len, at, 1 + below(8), "", 0);
		case 3:
			if (at < len)
				text[at] ^= 1 << below(8);
			return len;
		case 4:
			return below(20) == 0 ? at : len;
		case 5:
			return replace(text, len, max_len, at, 0, piece, count);
		default:
			return replace(text, len, max_len, at, count, piece, count);
	}
}

#ifdef WITH_LIBFUZZER

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
						unsigned int seed)
{
	state = seed;
	return below(2) == 0 ? mutate(data, size, max_size)
		: LLVMFuzzerMutate(data, size, max_size);
}

#else

/*
 * ----
 * The driver
 * ----
 */

typedef struct Seed
{
	uint8_t		text[FUZZ_MAX_INPUT];
	size_t		len;
	struct Seed *next;
} Seed;

static Seed *
add_seed(Seed *seeds, const char *text, size_t len)
{
	Seed	   *seed = calloc(1, sizeof(Seed));

	if (seed == NULL)
		abort();
	seed->len = Min(len, FUZZ_MAX_INPUT);
	memcpy(seed->text, text, seed->len);
	seed->next = seeds;
	return seed;
}

/* The files of a directory, as far as they are not too long. */
static Seed *
add_directory(Seed *seeds, const char *path)
{
	DIR		   *dir = opendir(path);
	struct dirent *entry;
	char		text[FUZZ_MAX_INPUT];

	if (dir == NULL || chdir(path) != 0)
	{
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir)) != NULL)
	{
		FILE	   *file = entry->d_name[0] == '.' ? NULL
			: fopen(entry->d_name, "r");

		if (file == NULL)
			continue;
		seeds = add_seed(seeds, text, fread(text, 1, sizeof(text), file));
		fclose(file);
	}
	closedir(dir);
	return seeds;
}

/* In a copy of its own size, so that a step too far is seen. */
static void
try_copy(const uint8_t *text, size_t len)
{
	uint8_t    *copy = malloc(Max(len, 1));

	if (copy == NULL)
		abort();
	memcpy(copy, text, len);
	(void) LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
try_mutated(const Seed *seed)
{
	uint8_t		text[FUZZ_MAX_INPUT];
	size_t		len = seed->len;

	memcpy(text, seed->text, len);
	for (uint32 n = 1 + below(MAX_MUTATIONS); n > 0; n--)
		len = mutate(text, len, sizeof(text));
	try_copy(text, len);
}

int
main(int argc, char **argv)
{
	time_t		end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	Seed	   *seeds = NULL;
	Seed	  **all;
	int			count = 0;
	long		executions = 0;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64) time(NULL);
	printf("seed %llu\n", (unsigned long long) state);
	fflush(stdout);

	for (int i = 0; fuzz_seeds[i] != NULL; i++)
		seeds = add_seed(seeds, fuzz_seeds[i], strlen(fuzz_seeds[i]));
	if (argc > 3)
		seeds = add_directory(seeds, argv[3]);
	for (const Seed *seed = seeds; seed != NULL; seed = seed->next, count++)
		try_copy(seed->text, seed->len);

	all = calloc(count, sizeof(Seed *));
	for (int i = 0; i < count; i++, seeds = seeds->next)
		all[i] = seeds;
	while (time(NULL) < end)
	{
		for (int i = 0; i < 100; i++, executions++)
			try_mutated(all[below(count)]);
	}
	printf("%d seeds and %ld mutations of them, none misread\n", count,
		   executions);

	/* Whatever is left now was lost by somebody else. */
	for (int i = 0; i < count; i++)
		free(all[i]);
	free(all);
	return 0;
}

#endif							/* WITH_LIBFUZZER */
