/*-------------------------------------------------------------------------
 *
 * test_retry.c
 *		Known answers: what every spelling of Retry-After asks for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http/http.h"
#include "tap.h"

/* 2025-11-27 16:00:00 UTC, by our clock half a second later. */
#define NOW			INT64CONST(1764259200)
#define NOW_MS		(NOW * 1000 + 500)
#define NOW_DATE	"Thu, 27 Nov 2025 16:00:00 GMT"

/* A provider whose clock is an hour behind ours. */
#define BEHIND_DATE	"Thu, 27 Nov 2025 15:00:00 GMT"

#define DAY_MS		INT64CONST(86400000)

typedef struct Spelling
{
	const char *value;
	const char *date;
	int64		wait_ms;
} Spelling;

static const Spelling spellings[] = {

	/* seconds */
	{"0", NULL, 0},
	{"5", NULL, 5000},
	{"600", NULL, 600000},
	{"  7\t", NULL, 7000},
	{"0000000012", NULL, 12000},
	{"0000000000000", NULL, 0},

	/* with a fraction, which is rounded up */
	{"2.5", NULL, 3000},
	{"5.0", NULL, 5000},
	{"5.000000", NULL, 5000},
	{"0.001", NULL, 1000},
	{"0.0", NULL, 0},
	{"2.00000000000000000000000000001", NULL, 3000},

	/* lists, and so several headers: the longest */
	{"3, 3", NULL, 3000},
	{"3,4,2", NULL, 4000},
	{", 3 ,,\t8,", NULL, 8000},
	{"0, 0.5", NULL, 1000},
	{"3, " NOW_DATE, NULL, 3000},
	{"Thu, 27 Nov 2025 16:00:10 GMT, 3", NOW_DATE, 10000},
	{"Thu, 27 Nov 2025 16:00:10 GMT, Thursday, 27-Nov-25 16:00:20 GMT",
	NOW_DATE, 20000},
	{"soon, 4", NULL, 4000},
	{"4, soon", NULL, 4000},
	{"4, -5", NULL, 4000},

	/* never more than a day */
	{"86399", NULL, DAY_MS - 1000},
	{"86400", NULL, DAY_MS},
	{"86401", NULL, DAY_MS},
	{"999999999", NULL, DAY_MS},
	{"3, 999999999", NULL, DAY_MS},
	{"9999999999", NULL, DAY_MS},
	{"9999999999999", NULL, DAY_MS},
	{"Fri, 27 Nov 2125 16:00:00 GMT", NULL, DAY_MS},

	/* dates, by our clock */
	{"Thu, 27 Nov 2025 16:00:10 GMT", NULL, 9500},
	{"Thursday, 27-Nov-25 16:00:10 GMT", NULL, 9500},
	{"Thu Nov 27 16:00:10 2025", NULL, 9500},
	{NOW_DATE, NULL, 0},
	{"Thu, 27 Nov 2025 15:59:59 GMT", NULL, 0},
	{"Sun Nov  6 08:49:37 1994", NULL, 0},
	{"Sunday, 06-Nov-94 08:49:37 GMT", NULL, 0},
	{"Saturday, 27-Nov-75 08:49:37 GMT", NULL, DAY_MS},
	{"Saturday, 27-Nov-76 08:49:37 GMT", NULL, 0},

	/* dates, by the provider's */
	{"Thu, 27 Nov 2025 16:00:10 GMT", NOW_DATE, 10000},
	{"Thu, 27 Nov 2025 15:00:10 GMT", BEHIND_DATE, 10000},
	{"Thu Nov 27 15:00:10 2025", "Thursday, 27-Nov-25 15:00:00 GMT", 10000},
	{"Thu, 27 Nov 2025 14:59:59 GMT", BEHIND_DATE, 0},
	{"Thu, 27 Nov 2025 16:00:10 GMT", "yesterday", 9500},
	{"Thu, 27 Nov 2025 16:00:10 GMT", NOW_DATE " or so", 9500},

	/* moments in seconds of Unix time */
	{"1764259200", NULL, 0},
	{"1764259201", NULL, 500},
	{"1764259210", NULL, 9500},
	{"1764259210", NOW_DATE, 10000},
	{"1764255610", BEHIND_DATE, 10000},
	{"1764259210.5", NOW_DATE, 11000},
	{"1764259199", NOW_DATE, 0},
	{"1000000000", NULL, 0},
	{"3, 1764259210", NOW_DATE, 10000},

	/* in milliseconds */
	{"1764259200123", NULL, 0},
	{"1764259200623", NULL, 123},
	{"1764259200123", NOW_DATE, 123},
	{"1764255610000", BEHIND_DATE, 10000},
	{"1764259200123.25", NOW_DATE, 124},
	{"1764259199999", NOW_DATE, 0},

	/* nonsense */
	{"", NULL, -1},
	{" , ,", NULL, -1},
	{"soon", NULL, -1},
	{"-5", NULL, -1},
	{"+5", NULL, -1},
	{"5s", NULL, -1},
	{"5 s", NULL, -1},
	{"5 6", NULL, -1},
	{"5.", NULL, -1},
	{".5", NULL, -1},
	{"5.5.5", NULL, -1},
	{"1e3", NULL, -1},
	{"0x10", NULL, -1},
	{"\"5\"", NULL, -1},
	{"5;", NULL, -1},
	{"12345678901", NULL, -1},
	{"123456789012", NULL, -1},
	{"12345678901234", NULL, -1},
	{"1764259200123456", NULL, -1},
	{"99999999999999999999999999999999999999", NULL, -1},
	{"Thu, 27 Nov 2025 16:00:10 CET", NULL, -1},
	{"Thu, 27 Nov 2025 16:00:10", NULL, -1},
	{"27 Nov 2025 16:00:10 GMT", NULL, -1},
	{"2025-11-27T16:00:10Z", NULL, -1},
	{"Thu, 31 Nov 2025 16:00:10 GMT", NULL, -1},
	{"Thu, 27 Nov 2025 24:00:10 GMT", NULL, -1},
	{"Thu, 27 Nov 2025 16:00:10 GMT+1", NULL, -1},
	{"Thu Nov 27 16:00:10 2025x", NULL, -1},
	{"5\xc2\xa0", NULL, -1},
};

int
main(void)
{
	for (size_t i = 0; i < lengthof(spellings); i++)
	{
		const Spelling *spelling = &spellings[i];

		is_number(og_http_retry_after(spelling->value, spelling->date,
									  NOW_MS),
				  spelling->wait_ms,
				  psprintf("\"%s\"%s%s", spelling->value,
						   spelling->date != NULL ? " by " : "",
						   spelling->date != NULL ? spelling->date : ""));
	}
	return done_testing();
}
