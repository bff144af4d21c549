/*-------------------------------------------------------------------------
 *
 * bench_stream.c
 *		What it takes to read messages of a book and to follow them.
 *
 *		bench_stream [MESSAGES]
 *
 * A message has 25 changes in some 700 bytes, which is what a market tells on
 * average.  Without a number it reads as many as it can for a while; with one, so
 * many, for a profiler: what is left after taking off a run of 0 is their cost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "random.h"
#include "server_shim.h"
#include "stream/stream_book.h"

#define SECONDS		2.0
#define CHANGES		25

/* Messages that are read over and over: they change each other's levels. */
#define ROUND		100

/* What is told in a second, all markets together. */
#define PER_SECOND	850

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Levels so far from the middle, in steps of a half. */
static void
append_levels(StringInfo out, int count, bool is_bid, bool all)
{
	for (int i = 0; i < count; i++)
	{
		int			away = all ? i : (int) below(45);
		int			halves = is_bid ? 118499 - away : 118501 + away;

		appendStringInfo(out, "%s[\"%d.%d\",\"%d.%05d\"]", i > 0 ? "," : "",
						 halves / 2, halves % 2 * 5,
						 all || below(3) > 0 ? (int) below(9) : 0, (int) below(99999));
	}
}

static OgSlice
make_message(int64 seq, bool is_snapshot)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"topic\":\"update:BTC-USD_0\",\"data\":{\"bids\":[");
	append_levels(&out, is_snapshot ? 45 : CHANGES / 2, true, is_snapshot);
	appendStringInfoString(&out, "],\"asks\":[");
	append_levels(&out, is_snapshot ? 45 : CHANGES - CHANGES / 2, false, is_snapshot);
	appendStringInfo(&out, "],\"seqNum\":%lld,\"prevSeqNum\":%lld,\"type\":\"%s\","
					 "\"timestamp\":1565135165600,\"symbol\":\"BTC-USD\"}}",
					 (long long) seq, (long long) seq - 1,
					 is_snapshot ? "snapshot" : "delta");
	return og_slice(out.data, out.len);
}

static void
follow(OgBook *book, OgSlice text)
{
	OgStreamMessage message;

	if (!og_btse_stream_read(text, &message) ||
		og_book_take(book, &message) != OG_BOOK_OK)
		abort();

	/* As a context that is reset would. */
	pfree((void *) message.symbol);
	pfree(message.book.bids.levels);
	pfree(message.book.asks.levels);
}

/* A snapshot and its deltas, once. */
static int
follow_round(OgBook *book, const OgSlice *messages, int most)
{
	int			count = 0;

	og_book_forget(book);
	while (count < ROUND && count < most)
		follow(book, messages[count++]);
	return count;
}

int
main(int argc, char **argv)
{
	OgBook	   *book = og_book_create();
	OgSlice		messages[ROUND];
	long		wanted = argc > 1 ? atol(argv[1]) : -1;
	long		done = 0;
	size_t		bytes = 0;
	double		start;
	double		spent;

	for (int i = 0; i < ROUND; i++)
	{
		messages[i] = make_message(i + 1, i == 0);
		bytes += i > 0 ? messages[i].len : 0;
	}
	start = now();
	do
	{
		done += follow_round(book, messages, wanted < 0 ? ROUND : wanted - done);
		spent = now() - start;
	} while (wanted < 0 ? spent < SECONDS : done < wanted);
	if (done > 0)
		printf("%ld messages of %d bytes: %.2f us each; %.2f %% of a CPU at %d in a second\n",
			   done, (int) (bytes / (ROUND - 1)), spent / done * 1e6,
			   spent / done * PER_SECOND * 100, PER_SECOND);
	return 0;
}
