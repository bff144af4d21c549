/*-------------------------------------------------------------------------
 *
 * test_stream_book.c
 *		A book in memory: known answers, and random streams with faults against a
 *		second opinion.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "random.h"
#include "second_stream.h"
#include "server_shim.h"
#include "stream/stream_book.h"
#include "stream_case.h"
#include "tap.h"

#define STREAMS		60
#define MESSAGES	120

/* ---------- known answers ---------- */

static OgBookResult
take(OgBook *book, const char *text)
{
	OgStreamMessage message;

	if (!og_btse_stream_read(og_slice_of(text), &message) ||
		message.kind != OG_STREAM_BOOK)
	{
		printf("Bail out! %s %s\n", text, message.problem);
		abort();
	}
	return og_book_take(book, &message);
}

/* "snapshot 1 after 0 bids [[1,2]] asks []" as a message. */
static char *
book_message(const char *type, int seq, int prev_seq, const char *bids,
			 const char *asks)
{
	return psprintf("{\"topic\":\"update:A-B_0\",\"data\":{\"symbol\":\"A-B\","
					"\"type\":\"%s\",\"seqNum\":%d,\"prevSeqNum\":%d,"
					"\"timestamp\":%d,\"bids\":[%s],\"asks\":[%s]}}",
					type, seq, prev_seq, 1000 + seq, bids, asks);
}

static OgBookResult
snapshot(OgBook *book, int seq, const char *bids, const char *asks)
{
	return take(book, book_message("snapshot", seq, seq - 1, bids, asks));
}

static OgBookResult
delta(OgBook *book, int seq, const char *bids, const char *asks)
{
	return take(book, book_message("delta", seq, seq - 1, bids, asks));
}

static char *
shown(const OgBook *book)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, og_book_is_live(book) ? "%lld" : "stale",
					 (long long) og_book_seq(book));
	for (OgBookSide side = OG_BOOK_BIDS; side < OG_BOOK_SIDES; side++)
	{
		OgStreamSide levels;
		const OgStreamLevel *first;

		levels.count = og_book_levels(book, side, &first);
		levels.levels = (OgStreamLevel *) first;
		appendStringInfoString(&out, side == OG_BOOK_BIDS ? " bids" : " asks");
		show_side(&out, &levels);
	}
	return out.data;
}

static void
is_result(OgBook *book, OgBookResult got, OgBookResult expected,
		  const char *expected_book, const char *name)
{
	is_text(og_book_result_name(got), og_book_result_name(expected), name);
	is_text(shown(book), expected_book,
			psprintf("... %s", og_book_result_words(got)));
}

static void
test_changes(void)
{
	OgBook	   *book = og_book_create();

	is_text(shown(book), "stale bids asks", "a new book is stale");
	is_result(book, delta(book, 1, "[1,1]", ""), OG_BOOK_WAITS,
			  "stale bids asks", "a delta before any snapshot");
	is_result(book, snapshot(book, 7, "[1.1,5],[\"3\",\"1.0\"],[2,0.50]",
							 "[9,1],[\"7.50\",2],[8,3],[10,0]"), OG_BOOK_OK,
			  "7 bids 3x1.0 2x0.50 1.1x5 asks 7.50x2 8x3 9x1",
			  "a snapshot in no order, with a level of size zero");
	is_number(og_book_event_ms(book), 1007, "... of its time");
	is_result(book, delta(book, 8, "[\"1.10\",0],[2,\"7\"],[4,4],[0.5,\"0.0\"]",
						  "[8.00,0],[7.25,1],[10,2],[77,0]"), OG_BOOK_OK,
			  "8 bids 4x4 3x1.0 2x7 asks 7.25x1 7.50x2 9x1 10x2",
			  "levels that change, go, come, and were not there");
	is_result(book, delta(book, 9, "[5,1],[5,2],[5,0],[6,1],[6,0],[6,3]", ""),
			  OG_BOOK_OK,
			  "9 bids 6x3 4x4 3x1.0 2x7 asks 7.25x1 7.50x2 9x1 10x2",
			  "a delta changes one price several times");
	is_result(book, delta(book, 10, "[6,0],[4,0],[3,0],[2,0]", "[100,1]"),
			  OG_BOOK_OK, "10 bids asks 7.25x1 7.50x2 9x1 10x2 100x1",
			  "an empty side");
	is_result(book, delta(book, 11, "", ""), OG_BOOK_OK,
			  "11 bids asks 7.25x1 7.50x2 9x1 10x2 100x1", "no changes");
	is_result(book, snapshot(book, 11, "[1,1]", ""), OG_BOOK_OK,
			  "11 bids 1x1 asks", "a snapshot of the same number");
	is_result(book, snapshot(book, 20, "", "[1,1]"), OG_BOOK_OK,
			  "20 bids asks 1x1", "... and of a higher one");
	og_book_forget(book);
	is_text(shown(book), "stale bids asks", "a book that is forgotten");
	is_result(book, snapshot(book, 3, "[1,1]", "[2,1]"), OG_BOOK_OK,
			  "3 bids 1x1 asks 2x1", "... takes a snapshot of any number");
}

static void
test_breaks(void)
{
	static const struct
	{
		const char *name;
		const char *type;
		int			seq;
		int			prev_seq;
		const char *bids;
		const char *asks;
		OgBookResult result;
	}			cases[] = {
		{"one is missing", "delta", 12, 11, "", "", OG_BOOK_GAP},
		{"many are missing", "delta", 1000, 999, "", "", OG_BOOK_GAP},
		{"it skips one, and says that it does not", "delta", 12, 10, "", "",
		OG_BOOK_GAP},
		{"it comes after another one", "delta", 11, 9, "", "", OG_BOOK_GAP},
		{"it comes after itself", "delta", 11, 11, "", "", OG_BOOK_GAP},
		{"the same once more", "delta", 10, 9, "", "", OG_BOOK_WENT_BACK},
		{"an older one", "delta", 9, 8, "", "", OG_BOOK_WENT_BACK},
		{"an older one that says it comes next", "delta", 9, 10, "", "",
		OG_BOOK_WENT_BACK},
		{"from the beginning", "delta", 0, 0, "", "", OG_BOOK_WENT_BACK},
		{"an older snapshot", "snapshot", 9, 8, "[1,1]", "[2,1]",
		OG_BOOK_WENT_BACK},
		{"a bid at the best ask", "delta", 11, 10, "[3,1]", "", OG_BOOK_CROSSED},
		{"... however spelled", "delta", 11, 10, "[\"3.000\",1]", "",
		OG_BOOK_CROSSED},
		{"a bid above the best ask", "delta", 11, 10, "[3.5,1]", "",
		OG_BOOK_CROSSED},
		{"an ask below the best bid", "delta", 11, 10, "", "[1.5,1]",
		OG_BOOK_CROSSED},
		{"a crossed snapshot", "snapshot", 11, 10, "[2,1]", "[2,1]",
		OG_BOOK_CROSSED},
		{"a snapshot with a price twice", "snapshot", 11, 10, "[1,1],[2,1],[1,2]",
		"", OG_BOOK_TWICE},
		{"... however spelled", "snapshot", 11, 10, "", "[1,1],[\"1.0\",1]",
		OG_BOOK_TWICE},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		OgBook	   *book = og_book_create();
		char	   *message = book_message(cases[i].type, cases[i].seq,
										   cases[i].prev_seq, cases[i].bids,
										   cases[i].asks);

		(void) snapshot(book, 10, "[2,1],[1,1]", "[3,1],[4,1]");
		is_result(book, take(book, message), cases[i].result,
				  "stale bids asks", cases[i].name);
		ok(OG_BOOK_BROKE(cases[i].result), "... which breaks it");
		is_result(book, delta(book, 11, "", ""), OG_BOOK_WAITS,
				  "stale bids asks", "... for good");
		is_result(book, snapshot(book, 5, "[1,1]", "[2,1]"), OG_BOOK_OK,
				  "5 bids 1x1 asks 2x1", "... until a snapshot comes");
	}
	ok(!OG_BOOK_BROKE(OG_BOOK_OK) && !OG_BOOK_BROKE(OG_BOOK_WAITS),
	   "other results break nothing");
}

/* Within one delta both may be so, if it does not end so. */
static void
test_on_the_way(void)
{
	OgBook	   *book = og_book_create();

	(void) snapshot(book, 1, "[2,1],[1,1]", "[3,1],[4,1]");
	is_result(book, delta(book, 2, "[3.5,1]", "[3,0]"), OG_BOOK_OK,
			  "2 bids 3.5x1 2x1 1x1 asks 4x1",
			  "a bid in place of an ask");
	is_result(book, delta(book, 3, "[3.5,0]", "[2.5,1]"), OG_BOOK_OK,
			  "3 bids 2x1 1x1 asks 2.5x1 4x1", "an ask in place of a bid");
}

/* So many levels from a price on. */
static char *
levels(int from, int count, const char *size)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
		appendStringInfo(&out, "%s[%d,%s]", i > 0 ? "," : "", from + i, size);
	return out.data;
}

static void
test_depth(void)
{
	OgBook	   *book = og_book_create();
	const OgStreamLevel *first;

	ok(snapshot(book, 1, levels(1, 50, "1"), levels(100, 50, "1")) == OG_BOOK_OK,
	   "50 levels on both sides");
	is_number(og_book_levels(book, OG_BOOK_ASKS, &first), 50, "... are kept");
	ok(delta(book, 2, psprintf("%s,%s", levels(51, 49, "2"), levels(1, 49, "0")),
			 "") == OG_BOOK_OK, "49 come, and then 49 others go");
	is_number(og_book_levels(book, OG_BOOK_BIDS, &first), 50, "... are 50 again");
	ok(delta(book, 3, "[0.5,1]", "") == OG_BOOK_TOO_DEEP, "one more is too many");
	is_text(shown(book), "stale bids asks", "... so that it is stale");
	ok(snapshot(book, 1, levels(1, 51, "1"), "") == OG_BOOK_TOO_DEEP,
	   "a snapshot of 51");
	ok(snapshot(book, 1, "", levels(1, 51, "1")) == OG_BOOK_TOO_DEEP,
	   "... on the other side");
	ok(snapshot(book, 1, levels(1, 1000, "1"), "") == OG_BOOK_TOO_DEEP,
	   "a snapshot of 1,000");
	ok(snapshot(book, 1, levels(1, 50, "1"), "") == OG_BOOK_OK &&
	   delta(book, 2, levels(1000, 1000, "1"), "") == OG_BOOK_TOO_DEEP,
	   "a delta of 1,000 new ones");
}

static void
test_comparison(void)
{
	static const struct
	{
		const char *bids;
		const char *asks;
		int			seq;
		bool		comparable;
		bool		same;
	}			cases[] = {
		{"[1,1],[2.50,\"3\"]", "[4,1]", 10, true, true},
		{"[\"2.5\",3.0],[1,1],[0.1,0]", "[4e0,1]", 10, true, true},
		{"[1,1],[2.5,3]", "[4,1]", 11, false, false},
		{"[1,1],[2.5,3]", "[4,1]", 9, false, false},
		{"[1,1],[2.5,4]", "[4,1]", 10, true, false},
		{"[1,1],[2.6,3]", "[4,1]", 10, true, false},
		{"[1,1],[2.5,3]", "", 10, true, false},
		{"[2.5,3]", "[4,1]", 10, true, false},
		{"[1,1],[2.5,3],[0.5,1]", "[4,1]", 10, true, false},
		{"[1,1],[5,3]", "[4,1]", 10, true, false},
		{"[1,1],[2.5,3],[1,1]", "[4,1]", 10, true, false},
	};
	OgBook	   *book = og_book_create();
	OgBook	   *stale = og_book_create();
	OgStreamMessage message;
	bool		comparable;

	(void) snapshot(book, 10, "[1,1],[2.5,3]", "[4,1]");
	for (int i = 0; i < lengthof(cases); i++)
	{
		char	   *text = book_message("snapshot", cases[i].seq, 0, cases[i].bids,
										cases[i].asks);

		if (!og_btse_stream_read(og_slice_of(text), &message))
			abort();
		ok(og_book_is(book, &message, &comparable) == cases[i].same &&
		   comparable == cases[i].comparable, "%d bids %s asks %s: %s",
		   cases[i].seq, cases[i].bids, cases[i].asks, cases[i].same ? "the same"
		   : cases[i].comparable ? "another one" : "not known");
		ok(!og_book_is(stale, &message, &comparable) && !comparable,
		   "... and not to be compared with a stale one");
	}
	is_text(shown(book), "10 bids 2.5x3 1x1 asks 4x1",
			"comparing changes nothing");
}

/* ---------- at random ---------- */

/* A price or a size in one of its spellings. */
static void
append_number(StringInfo out, int tenths)
{
	int			whole = tenths / 10;
	int			rest = tenths % 10;

	switch (below(rest == 0 ? 5 : 4))
	{
		case 0:
			appendStringInfo(out, "\"%d.%d\"", whole, rest);
			break;
		case 1:
			appendStringInfo(out, "%d.%d0", whole, rest);
			break;
		case 2:
			appendStringInfo(out, "%de-1", tenths);
			break;
		case 3:
			appendStringInfo(out, "\"%d.%d00000000000000000000\"", whole, rest);
			break;
		default:
			appendStringInfo(out, "%d", whole);
	}
}

/*
 * Levels around a middle; "wild": some that cross it, and many.  A snapshot has
 * each price once, for most of the time.
 */
static void
append_levels(StringInfo out, bool is_bid, bool is_snapshot, bool is_wild)
{
	int			count = is_snapshot ? 20 + below(is_wild ? 40 : 28) : below(12);

	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		int			away = is_snapshot && below(200) > 0 ? i : (int) below(48);
		int			tenths = is_bid ? 499 - away : 501 + away;

		if (is_wild && below(500) == 0)
			tenths = is_bid ? 503 : 498;
		appendStringInfoString(out, i > 0 ? ",[" : "[");
		append_number(out, tenths);
		appendStringInfoChar(out, ',');
		append_number(out, below(is_snapshot ? 20 : 2) == 0 ? 0 : 1 + below(300));
		appendStringInfoChar(out, ']');
	}
	appendStringInfoChar(out, ']');
}

/* The next message of a stream, which may be a fault. */
static char *
random_message(int64 *seq, bool is_wild)
{
	bool		is_snapshot = *seq == 0 || below(25) == 0;
	int64		number = *seq + 1;
	int64		previous = *seq;
	StringInfoData out;

	if (is_wild && below(20) == 0)
		number += (int) below(5) - 2;
	if (is_wild && below(30) == 0)
		previous += (int) below(3) - 1;
	*seq = Max(number, 1);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"topic\":\"update:A-B_0\",\"data\":{\"bids\":");
	append_levels(&out, true, is_snapshot, is_wild);
	appendStringInfoString(&out, ",\"asks\":");
	append_levels(&out, false, is_snapshot, is_wild);
	appendStringInfo(&out, ",\"seqNum\":%lld,\"prevSeqNum\":%lld,\"type\":\"%s\","
					 "\"timestamp\":1565135165600,\"symbol\":\"A-B\"}}",
					 (long long) number, (long long) previous,
					 is_snapshot ? "snapshot" : "delta");
	if (is_wild && below(40) == 0)
		out.data[below(out.len)] = "[]{},:\"-0e"[below(10)];
	return out.data;
}

static void
test_random_stream(OgBook *book, SecondBook *second, bool is_wild, int *live,
				   int *wrong)
{
	int64		seq = 0;

	og_book_forget(book);
	memset(second, 0, sizeof(*second));
	for (int i = 0; i < MESSAGES; i++)
	{
		OgSlice		text = exactly(random_message(&seq, is_wild));
		OgStreamMessage message;

		if (og_btse_stream_read(text, &message) &&
			message.kind == OG_STREAM_BOOK)
		{
			size_t		before = shim_in_use;

			shim_reset_peak();
			(void) og_book_take(book, &message);
			*wrong += shim_peak != before || shim_in_use != before;
		}
		else
			og_book_forget(book);
		second_take(second, second_read(text));
		*wrong += !second_agrees(book, second);
		*live += og_book_is_live(book);
		free((char *) text.data);
	}
}

static void
test_at_random(bool is_wild)
{
	static SecondBook second;
	int			live = 0;
	int			wrong = 0;

	for (int i = 0; i < STREAMS; i++)
	{
		OgBook	   *book;

		state = i;
		book = og_book_create();
		test_random_stream(book, &second, is_wild, &live, &wrong);
		shim_forget();
	}
	ok(wrong == 0, "%d random messages%s: %d times another book, or memory taken",
	   STREAMS * MESSAGES, is_wild ? " with faults" : "", wrong);
	ok(is_wild ? live > STREAMS * MESSAGES / 20 && live < STREAMS * MESSAGES
	   : live > STREAMS * MESSAGES / 2, "... and it was live after %d of them",
	   live);
}

int
main(void)
{
	test_changes();
	test_breaks();
	test_on_the_way();
	test_depth();
	test_comparison();
	test_at_random(false);
	test_at_random(true);
	return done_testing();
}
